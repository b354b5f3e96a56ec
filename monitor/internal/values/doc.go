// Package values gives the values of events numbers, so that comparing and
// hashing them is cheap, and keeps their texts.
package values
