package redis

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/alicebob/miniredis/v2/server"
)

// Places are done here, but for how they are kept: a sorted set whose scores are
// their positions, 26 bits of longitude and of latitude. miniredis has fewer
// options, and decodes them otherwise than Redis.
// https://redis.io/docs/latest/commands/geoadd/

const (
	mostLatitude  = 85.05112878
	mostLongitude = 180.0
	earthRadius   = 6372797.560856 // in metres
	steps         = 26
)

// place is a member of a set of places.
type place struct {
	name     string
	score    string
	lon, lat float64
	distance float64 // in metres
}

// encodePlace is the score of a position, with latitudes between -most and most.
func encodePlace(lon, lat, most float64) (score uint64) {
	x := uint64((lon + mostLongitude) / (2 * mostLongitude) * (1 << steps))
	y := uint64((lat + most) / (2 * most) * (1 << steps))
	for i := range steps {
		score |= (y>>i&1)<<(2*i) | (x>>i&1)<<(2*i+1)
	}
	return score
}

func decodePlace(text string) (lon, lat float64) {
	f, _ := strconv.ParseFloat(text, 64)
	score := uint64(f)
	var x, y uint64
	for i := range steps {
		y |= score >> (2 * i) & 1 << i
		x |= score >> (2*i + 1) & 1 << i
	}
	middle := func(n uint64, most float64) float64 {
		low := -most + float64(n)/(1<<steps)*(2*most)
		high := -most + float64(n+1)/(1<<steps)*(2*most)
		return min(max((low+high)/2, -most), most)
	}
	return middle(x, mostLongitude), middle(y, mostLatitude)
}

// distance is in metres, on a sphere.
func distance(lon1, lat1, lon2, lat2 float64) float64 {
	rad := math.Pi / 180
	u, v := math.Sin((lat2*rad-lat1*rad)/2), math.Sin((lon2*rad-lon1*rad)/2)
	return 2 * earthRadius * math.Asin(math.Sqrt(u*u+math.Cos(lat1*rad)*math.Cos(lat2*rad)*v*v))
}

// metres of a unit; or an error.
func metres(unit string) (float64, string) {
	if m, ok := map[string]float64{"m": 1, "km": 1000, "ft": 0.3048, "mi": 1609.34}[strings.ToLower(unit)]; ok {
		return m, ""
	}
	return 0, errorReply("ERR unsupported unit provided. please use M, KM, FT, MI")
}

func number(text, wrong string) (float64, string) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, errorReply("ERR " + wrong)
	}
	return f, ""
}

func position(words []string) (lon, lat float64, refusal string) {
	if lon, refusal = number(words[0], "value is not a valid float"); refusal != "" {
		return 0, 0, refusal
	}
	if lat, refusal = number(words[1], "value is not a valid float"); refusal != "" {
		return 0, 0, refusal
	}
	if math.Abs(lon) > mostLongitude || math.Abs(lat) > mostLatitude {
		refusal = errorReply(fmt.Sprintf("ERR invalid longitude,latitude pair %.6f,%.6f", lon, lat))
	}
	return lon, lat, refusal
}

// plain is a connection of its own to the same database, that speaks RESP2.
func (f *front) plain(s *session) *session {
	own := &session{peer: &server.Peer{}, db: s.db}
	f.ask(own, "SELECT", strconv.Itoa(s.db))
	return own
}

// geoadd is ZADD, as in Redis.
func geoadd(f *front, s *session, words []string) string {
	at, exclude := 2, 0
	for ; at < len(words); at++ {
		w := strings.ToUpper(words[at])
		if w != "NX" && w != "XX" && w != "CH" {
			break
		} else if w != "CH" {
			exclude++
		}
	}
	if (len(words)-at)%3 != 0 || exclude > 1 && !sameOption(words[2:at]) {
		return syntaxError
	}
	args := append([]string{"ZADD"}, words[1:at]...)
	for ; at < len(words); at += 3 {
		lon, lat, refusal := position(words[at:])
		if refusal != "" {
			return refusal
		}
		args = append(args, strconv.FormatUint(encodePlace(lon, lat, mostLatitude), 10), words[at+2])
	}
	return f.ask(s, args...)
}

// sameOption reports whether not both NX and XX are given.
func sameOption(options []string) bool {
	is := func(o string) func(string) bool { return func(w string) bool { return strings.EqualFold(w, o) } }
	return !slices.ContainsFunc(options, is("NX")) || !slices.ContainsFunc(options, is("XX"))
}

// places are all of a set; ok is false where there is none, and refusal an
// error where it is something else.
func (f *front) places(s *session, key string) (out []place, refusal string) {
	v := parseValue(f.ask(f.plain(s), "ZRANGE", key, "0", "-1", "WITHSCORES"))
	if v.kind == '-' {
		return nil, errorReply(v.text)
	}
	for i := 0; i+1 < len(v.parts); i += 2 {
		p := place{name: v.parts[i].text, score: v.parts[i+1].text}
		p.lon, p.lat = decodePlace(p.score)
		out = append(out, p)
	}
	return out, ""
}

func named(all []place, name string) *place {
	if i := slices.IndexFunc(all, func(p place) bool { return p.name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

func geodist(f *front, s *session, words []string) string {
	unit := 1.0
	if len(words) > 5 {
		return syntaxError
	} else if len(words) == 5 {
		var refusal string
		if unit, refusal = metres(words[4]); refusal != "" {
			return refusal
		}
	}
	all, refusal := f.places(s, words[1])
	if refusal != "" {
		return refusal
	}
	a, b := named(all, words[2]), named(all, words[3])
	if a == nil || b == nil {
		return f.null(s, "$-1\r\n")
	}
	return bulk(fmt.Sprintf("%.4f", distance(a.lon, a.lat, b.lon, b.lat)/unit))
}

// geopos does GEOPOS and GEOHASH.
func geopos(f *front, s *session, words []string) string {
	all, refusal := f.places(s, words[1])
	if refusal != "" {
		return refusal
	}
	var out []string
	for _, name := range words[2:] {
		switch p := named(all, name); {
		case p == nil && words[0] == "GEOHASH":
			out = append(out, f.null(s, "$-1\r\n"))
		case p == nil:
			out = append(out, f.null(s, "*-1\r\n"))
		case words[0] == "GEOHASH":
			out = append(out, bulk(p.hash()))
		default:
			out = append(out, p.position(s.peer.Resp3))
		}
	}
	return array(out...)
}

// hash is the geohash that others know, of eleven characters.
func (p *place) hash() string {
	const letters = "0123456789bcdefghjkmnpqrstuvwxyz"
	bits, out := encodePlace(p.lon, p.lat, 90), ""
	for i := range 10 {
		out += string(letters[bits>>(2*steps-5*(i+1))&31])
	}
	return out + "0"
}

func (p *place) position(resp3 bool) string {
	say := func(f float64) string {
		text := strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(f, 'f', 17, 64), "0"), ".")
		if resp3 {
			return "," + text + "\r\n"
		}
		return bulk(text)
	}
	return array(say(p.lon), say(p.lat))
}

// near is a search for places.
type near struct {
	from, by                bool // it is said from where, and how far
	lon, lat                float64
	radius, width, height   float64 // in unit; of a circle, or of a box
	box                     bool
	unit                    float64
	dist, hash, coord, any  bool
	order, count            int // 1 the nearest first, -1 the farthest
	store                   string
	stores, storesDistances bool
}

// geosearch does GEOSEARCH, GEORADIUS, and their like.
func geosearch(f *front, s *session, words []string) string {
	n, source, at := &near{unit: 1}, words[1], 2
	if words[0] == "GEOSEARCHSTORE" {
		n.store, n.stores, source, at = words[1], true, words[2], 3
	}
	all, refusal := f.places(s, source)
	if refusal != "" {
		return refusal
	}
	switch by := strings.TrimSuffix(words[0], "_RO"); {
	case by == "GEORADIUS":
		at, refusal = 6, n.fromPosition(words[2:])
		if refusal == "" {
			refusal = n.within(words[4:])
		}
	case by == "GEORADIUSBYMEMBER" && len(all) == 0:
		at, n.from, n.by = 5, true, true
	case by == "GEORADIUSBYMEMBER":
		at, refusal = 5, n.fromMember(all, words[2])
		if refusal == "" {
			refusal = n.within(words[3:])
		}
	}
	for refusal == "" && at < len(words) {
		var used int
		used, refusal = n.option(words[0], all, words[at:])
		at += used
	}
	if refusal == "" {
		refusal = n.wrong(words[0])
	}
	if refusal != "" {
		return refusal
	}
	return f.found(s, n, n.search(all))
}

func (n *near) fromPosition(words []string) (refusal string) {
	n.from = true
	n.lon, n.lat, refusal = position(words)
	return refusal
}

func (n *near) fromMember(all []place, name string) (refusal string) {
	n.from = true
	if len(all) == 0 {
		return ""
	}
	p := named(all, name)
	if p == nil {
		return errorReply("ERR could not decode requested zset member")
	}
	n.lon, n.lat = p.lon, p.lat
	return ""
}

func (n *near) within(words []string) (refusal string) {
	n.by = true
	if n.radius, refusal = number(words[0], "need numeric radius"); refusal != "" {
		return refusal
	} else if n.radius < 0 {
		return errorReply("ERR radius cannot be negative")
	}
	n.unit, refusal = metres(words[1])
	return refusal
}

func (n *near) withinBox(words []string) (refusal string) {
	n.by, n.box = true, true
	if n.width, refusal = number(words[0], "need numeric width"); refusal != "" {
		return refusal
	}
	if n.height, refusal = number(words[1], "need numeric height"); refusal != "" {
		return refusal
	}
	if n.width < 0 || n.height < 0 {
		return errorReply("ERR height or width cannot be negative")
	}
	n.unit, refusal = metres(words[2])
	return refusal
}

// option reads an option, and tells how many words it has.
func (n *near) option(command string, all []place, words []string) (used int, refusal string) {
	more := len(words) - 1
	searches := strings.HasPrefix(command, "GEOSEARCH")
	switch w := strings.ToUpper(words[0]); {
	case w == "WITHDIST":
		n.dist = true
	case w == "WITHHASH":
		n.hash = true
	case w == "WITHCOORD":
		n.coord = true
	case w == "ANY":
		n.any = true
	case w == "ASC":
		n.order = 1
	case w == "DESC":
		n.order = -1
	case w == "COUNT" && more > 0:
		var err error
		if n.count, err = strconv.Atoi(words[1]); err != nil {
			return 0, notInteger
		} else if n.count < 1 {
			return 0, errorReply("ERR COUNT must be > 0")
		}
		return 2, ""
	case (w == "STORE" || w == "STOREDIST") && more > 0 && (command == "GEORADIUS" || command == "GEORADIUSBYMEMBER"):
		n.store, n.stores, n.storesDistances = words[1], true, w == "STOREDIST"
		return 2, ""
	case w == "STOREDIST" && command == "GEOSEARCHSTORE":
		n.storesDistances = true
	case w == "FROMMEMBER" && more > 0 && searches && !n.from:
		return 2, n.fromMember(all, words[1])
	case w == "FROMLONLAT" && more > 1 && searches && !n.from:
		return 3, n.fromPosition(words[1:])
	case w == "BYRADIUS" && more > 1 && searches && !n.by:
		return 3, n.within(words[1:])
	case w == "BYBOX" && more > 2 && searches && !n.by:
		return 4, n.withinBox(words[1:])
	default:
		return 0, syntaxError
	}
	return 1, ""
}

// wrong tells what does not go together.
func (n *near) wrong(command string) string {
	switch {
	case n.stores && (n.dist || n.hash || n.coord) && command == "GEOSEARCHSTORE":
		return errorReply("ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
	case n.stores && (n.dist || n.hash || n.coord):
		return errorReply("ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
	case strings.HasPrefix(command, "GEOSEARCH") && !n.from:
		return errorReply("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + command)
	case strings.HasPrefix(command, "GEOSEARCH") && !n.by:
		return errorReply("ERR exactly one of BYRADIUS and BYBOX can be specified for " + command)
	case n.any && n.count == 0:
		return errorReply("ERR the ANY argument requires COUNT argument")
	}
	return ""
}

// search finds what is near. What is not sorted stays as it is kept: Redis
// promises no order.
func (n *near) search(all []place) []place {
	var out []place
	for _, p := range all {
		p.distance = distance(n.lon, n.lat, p.lon, p.lat)
		in := p.distance <= n.radius*n.unit
		if n.box {
			in = earthRadius*math.Abs(p.lat-n.lat)*math.Pi/180 <= n.height*n.unit/2 && distance(p.lon, p.lat, n.lon, p.lat) <= n.width*n.unit/2
		}
		if in {
			out = append(out, p)
		}
	}
	order := n.order
	if n.count > 0 && order == 0 && !n.any {
		order = 1
	}
	if n.any && n.count < len(out) {
		out = out[:n.count]
	}
	slices.SortStableFunc(out, func(a, b place) int { return order * cmp.Compare(a.distance, b.distance) })
	if n.count > 0 && n.count < len(out) {
		out = out[:n.count]
	}
	return out
}

// found stores or returns what was found.
func (f *front) found(s *session, n *near, found []place) string {
	if n.stores {
		own, add := f.plain(s), []string{"ZADD", n.store}
		for _, p := range found {
			score := p.score
			if n.storesDistances {
				score = strconv.FormatFloat(p.distance/n.unit, 'g', -1, 64)
			}
			add = append(add, score, p.name)
		}
		if f.ask(own, "DEL", n.store); len(found) > 0 {
			f.ask(own, add...)
		}
		return integer(len(found))
	}
	var out []string
	for _, p := range found {
		one := []string{bulk(p.name)}
		if n.dist {
			one = append(one, bulk(fmt.Sprintf("%.4f", p.distance/n.unit)))
		}
		if n.hash {
			one = append(one, ":"+p.score+"\r\n")
		}
		if n.coord {
			one = append(one, p.position(s.peer.Resp3))
		}
		if n.dist || n.hash || n.coord {
			one = []string{array(one...)}
		}
		out = append(out, one...)
	}
	return array(out...)
}
