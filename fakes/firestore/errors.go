package firestore

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

var (
	// https://github.com/firebase/extensions/issues/2239
	errContention = status.Error(codes.Aborted, "Aborted due to cross-transaction contention. This occurs when multiple transactions attempt to access the same data, requiring Firestore to abort at least one in order to enforce serializability.")
	// https://github.com/googleapis/google-cloud-php/issues/5396
	errExpired = invalid("The referenced transaction has expired or is no longer valid.")
	// https://firebase.google.com/docs/firestore/reference/rpc/google.firestore.v1#transactionoptions
	errReadOnly = invalid("Cannot modify entities in a read-only transaction.")
	errOldRead  = status.Error(codes.FailedPrecondition, "The requested read_time is too far in the past.")
	errFuture   = invalid("The requested read_time is in the future.")
)
