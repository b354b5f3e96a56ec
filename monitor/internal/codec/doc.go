// Package codec writes and reads checkpoints: numbers, texts and lists, with a
// sum at the end. It knows nothing of what they mean. Each package writes its
// own types with it, next to where they are declared.
package codec
