package redisprobe

import (
	"reflect"
	"testing"
)

// A reply that is made of what an operation keeps of one says the same, whatever
// the reply was.
func TestReplyOfResult(t *testing.T) {
	for _, reply := range []string{
		"+OK\r\n", ":12\r\n", ":-1\r\n", "$5\r\nhello\r\n", "$0\r\n\r\n", "$2\r\n12\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", "-ERR no\r\n",
		"*2\r\n$1\r\na\r\n:1\r\n", "*0\r\n", "%1\r\n+a\r\n:1\r\n", "~1\r\n+a\r\n", "!5\r\nERR x\r\n", ",1.5\r\n", "#t\r\n", "=7\r\ntxt:abc\r\n",
	} {
		want := describeReply([]byte(reply))
		if got := describeReply(Reply(want)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q says %+v, wanted %+v", reply, Reply(want), got, want)
		}
	}
}
