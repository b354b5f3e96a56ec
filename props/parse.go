package props

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// inBraces tells wtsim's YAML in braces, which may be JSON.
var inBraces = regexp.MustCompile(`^\{\s*["']?properties["']?\s*:`)

// Parse reads the properties of a file. The notation is told from the
// content: Watchtower's JSON if it begins with a bracket or a brace, unless
// "properties" follows that, else wtsim's YAML. The file's name is for messages only, which begin with it and
// the line.
func Parse(file string, content []byte) ([]*Property, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	text := bytes.TrimSpace(content)
	switch {
	case len(text) == 0:
		return nil, fmt.Errorf("%s: the file is empty, wanted properties", file)
	case inBraces.Match(text):
		return parseYAML(file, content)
	case text[0] == '[' || text[0] == '{' || isScript(string(text)):
		return parseWatchtower(file, content)
	}
	return parseYAML(file, content)
}

// MustParse is [Parse] for a file that is part of the program: it panics where
// Parse fails.
func MustParse(file string, content []byte) []*Property {
	ps, err := Parse(file, content)
	if err != nil {
		panic("props: " + err.Error())
	}
	return ps
}

// isScript tells a JavaScript module, as Watchtower itself reads them, from
// YAML.
func isScript(text string) bool {
	for _, start := range []string{"module.", "exports.", "const ", "let ", "var ", "import ", "export ", "'use strict'", `"use strict"`, "//", "/*", "function"} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}

// script finds the first JavaScript function in what should be JSON, outside
// of strings and comments; -1 if there is none.
func script(text string) int {
	var parens []int // where the open ones are
	candidate := -1  // where a function would begin if => came now
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"' || c == '\'' || c == '`':
			i = afterQuote(text, i)
			continue
		case strings.HasPrefix(text[i:], "//"):
			i += lineLength(text[i:])
			continue
		case strings.HasPrefix(text[i:], "/*"):
			if end := strings.Index(text[i:], "*/"); end > 0 {
				i += end
			} else {
				i = len(text)
			}
			continue
		case strings.HasPrefix(text[i:], "=>"):
			return max(candidate, 0)
		case c == '(':
			parens = append(parens, i)
		case c == ')' && len(parens) > 0:
			candidate, parens = parens[len(parens)-1], parens[:len(parens)-1]
		case isWord(c):
			end := i
			for end < len(text) && isWord(text[end]) {
				end++
			}
			if text[i:end] == "function" {
				return i
			}
			candidate, i = i, end
			continue
		}
		i++
	}
	return -1
}

func afterQuote(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i + 1
		}
	}
	return len(text)
}

func lineLength(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i
	}
	return len(text)
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
