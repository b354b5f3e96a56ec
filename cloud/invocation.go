package cloud

import "context"

// Invocation is what a platform tells a handler of the invocation that it
// serves, besides what has caused it.
type Invocation struct {
	Function string // that is invoked
	Task     string // the name of the task, the same in every run
}

type invocationKey struct{}

// In returns a context that holds it.
func (i Invocation) In(ctx context.Context) context.Context {
	return context.WithValue(ctx, invocationKey{}, i)
}

// InvocationOf returns that of a handler's context; zero if it has none.
func InvocationOf(ctx context.Context) Invocation {
	i, _ := ctx.Value(invocationKey{}).(Invocation)
	return i
}
