//go:build linux

package dialguard

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// anchors lie where package net's variables lie: in the data of the process.
var anchors = struct {
	socket  func(int, int, int) (int, error)
	connect func(int, syscall.Sockaddr) error
	listen  func(int, int) error
}{syscall.Socket, syscall.Connect, syscall.Listen}

// install puts our functions where the data of the process points at those of
// package syscall. It reports whether each was found; the anchors do not count.
// It reads memory that others write, one word at a time, before anything is in
// its way: that is no race that matters, and the words are no objects of Go's.
//
//go:norace
//go:nocheckptr
func install() bool {
	from, to, ok := segment(uintptr(unsafe.Pointer(&anchors)))
	if !ok {
		return false
	}
	s, c, l := socket, connect, listen
	found := [3]int{}
	replace := [3][2]uintptr{
		{word(unsafe.Pointer(&anchors.socket)), word(unsafe.Pointer(&s))},
		{word(unsafe.Pointer(&anchors.connect)), word(unsafe.Pointer(&c))},
		{word(unsafe.Pointer(&anchors.listen)), word(unsafe.Pointer(&l))},
	}
	own := [2]uintptr{uintptr(unsafe.Pointer(&anchors)), uintptr(unsafe.Pointer(&anchors)) + unsafe.Sizeof(anchors)}
	for at := from; at < to; at += unsafe.Sizeof(at) {
		if at >= own[0] && at < own[1] {
			continue
		}
		place := (*uintptr)(unsafe.Add(unsafe.Pointer(&anchors), int(at)-int(own[0])))
		for i, r := range replace {
			if *place == r[0] {
				*place = r[1]
				found[i]++
			}
		}
	}
	return found[0] > 0 && found[1] > 0 && found[2] > 0
}

// word is what a variable of a function type holds: where the function's value
// lies, which for a function of a package is one place.
func word(f unsafe.Pointer) uintptr { return *(*uintptr)(f) }

// segment is the writable part of the process's memory that an address lies in.
func segment(address uintptr) (from, to uintptr, ok bool) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return 0, 0, false
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var mode string
		if n, _ := fmt.Sscanf(strings.Replace(lines.Text(), "-", " ", 1), "%x %x %s", &from, &to, &mode); n == 3 && from <= address && address < to {
			return from, to, strings.HasPrefix(mode, "rw")
		}
	}
	return 0, 0, false
}
