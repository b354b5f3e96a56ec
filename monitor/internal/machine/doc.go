// Package machine is the automaton of one property as it is run: letters, what
// they lead to, and which transitions were taken. Of a property with registers
// or deadlines what an instance is in is more than a state; it is a
// configuration, and numbered, so that who keeps instances sees states all the
// same. It knows nothing of instances: who keeps them says which numbers are
// in use.
package machine
