package cloud

import "strings"

// Mask writes generated tokens as *: UUIDs, and words of 16 or more hex
// digits, or of letters and digits that look like base64 or ULID (upper
// case, digits, and for base64 lower case too).
func Mask(s string) string {
	if !mayHoldToken(s) {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		if isUUID(s) {
			out.WriteByte('*')
			s = s[36:]
			continue
		}
		n := wordLength(s)
		if n == 0 {
			out.WriteByte(s[0])
			s = s[1:]
			continue
		}
		if n >= 16 && isToken(s[:n]) {
			out.WriteByte('*')
		} else {
			out.WriteString(s[:n])
		}
		s = s[n:]
	}
	return out.String()
}

// mayHoldToken is a quick test: a token has a digit and 16 bytes.
func mayHoldToken(s string) bool {
	return len(s) >= 16 && strings.ContainsAny(s, "0123456789")
}

func isUUID(s string) bool {
	if len(s) < 36 || len(s) > 36 && isWordByte(s[36]) {
		return false
	}
	for i := range 36 {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !isHex(s[i]) {
			return false
		}
	}
	return true
}

func wordLength(s string) int {
	n := 0
	for n < len(s) && isWordByte(s[n]) {
		n++
	}
	return n
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '='
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// isToken reports whether a word looks generated.
func isToken(w string) bool {
	hex, digit, upper, lower := true, false, false, false
	for i := range len(w) {
		c := w[i]
		hex = hex && isHex(c)
		digit = digit || c >= '0' && c <= '9'
		upper = upper || c >= 'A' && c <= 'Z'
		lower = lower || c >= 'a' && c <= 'z'
	}
	return hex && digit || digit && upper && (lower || len(w) == 26)
}
