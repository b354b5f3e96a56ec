package dynamodb

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// naive is a table as a child would write it: a list of items, looked through
// for every request. Keys are p and n; n is also an index's.
type naive []map[string]string

func (m *naive) find(p, n string) int {
	return slices.IndexFunc(*m, func(it map[string]string) bool { return it["p"] == p && it["n"] == n })
}

// sum adds as decimals by hand would: exactly.
func sum(a, b string) string {
	x, _ := new(big.Rat).SetString(a)
	y, _ := new(big.Rat).SetString(b)
	s := strings.TrimRight(strings.TrimRight(new(big.Rat).Add(x, y).FloatString(20), "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}

// Puts, conditional puts, updates, deletes, queries in both directions and in
// pages, and those of an index, drawn at random, are answered as by a list
// that is looked through.
func TestRandom(t *testing.T) {
	_, client := open(t, New("dynamodb", Table{Name: "table", Keys: "p S, n N", Indexes: []Index{{Name: "by-k", Keys: "k S, n N"}}}))
	r := rand.New(rand.NewPCG(1, 2))
	var model naive
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	for i := range 4000 {
		p, n, k := pick("a", "b"), pick("-1.5", "0", "2", "10", "0.25"), pick("x", "y", "")
		key := fmt.Sprintf(`{"p":{"S":%q},"n":{"N":%q}}`, p, n)
		at := model.find(p, n)
		request, want := "", "{}"
		switch r.IntN(6) {
		case 0, 1:
			item := fmt.Sprintf(`{"p":{"S":%q},"n":{"N":%q}`, p, n)
			it := map[string]string{"p": p, "n": n}
			if k != "" {
				item += fmt.Sprintf(`,"k":{"S":%q}`, k)
				it["k"] = k
			}
			request = `PutItem {"TableName":"table","Item":` + item + `}}`
			if r.IntN(2) == 0 {
				request = request[:len(request)-1] + `,"ConditionExpression":"attribute_not_exists(p)"}`
				if at >= 0 {
					want = "ConditionalCheckFailedException: The conditional request failed"
					break
				}
			}
			if at >= 0 {
				model = slices.Delete(model, at, at+1)
			}
			model = append(model, it)
		case 2:
			v := pick("1", "0.1", "-2.75")
			request = `UpdateItem {"TableName":"table","Key":` + key + `,"UpdateExpression":"ADD v :v","ExpressionAttributeValues":{":v":{"N":"` + v + `"}},"ReturnValues":"UPDATED_NEW"}`
			if at < 0 {
				at, model = len(model), append(model, map[string]string{"p": p, "n": n, "v": "0"})
			}
			if model[at]["v"] == "" {
				model[at]["v"] = "0"
			}
			model[at]["v"] = sum(model[at]["v"], v)
			want = `{"Attributes":{"v":{"N":"` + model[at]["v"] + `"}}}`
		case 3:
			request = `DeleteItem {"TableName":"table","Key":` + key + `}`
			if at >= 0 {
				model = slices.Delete(model, at, at+1)
			}
		default:
			checkQuery(t, client2{t, func(line string) string { return ask(t, client, line) }}, model, r)
			continue
		}
		if got := ask(t, client, request); got != want {
			t.Fatalf("%d: %s: got %s, wanted %s", i, request, got, want)
		}
	}
}

// client2 asks.
type client2 struct {
	t   *testing.T
	ask func(string) string
}

// checkQuery reads a partition of the table or of the index page by page.
func checkQuery(t *testing.T, c client2, model naive, r *rand.Rand) {
	t.Helper()
	name, value, index := "p", []string{"a", "b"}[r.IntN(2)], ""
	if r.IntN(2) == 0 {
		name, value, index = "k", []string{"x", "y"}[r.IntN(2)], `"IndexName":"by-k",`
	}
	back, bound := r.IntN(2) == 0, []string{"0", "2"}[r.IntN(2)]
	var want []string
	for _, it := range model {
		if it[name] == value && compareText(it["n"], bound) <= 0 {
			want = append(want, it["n"])
		}
	}
	slices.SortFunc(want, compareText)
	if back {
		slices.Reverse(want)
	}
	var got []string
	start := ""
	for {
		line := fmt.Sprintf(`Query {"TableName":"table",%s"Limit":%d,"ScanIndexForward":%v,%s"KeyConditionExpression":"%s = :v AND n <= :b","ExpressionAttributeValues":{":v":{"S":%q},":b":{"N":%q}}}`,
			index, 1+r.IntN(3), !back, start, name, value, bound)
		var page struct {
			Items            []map[string]map[string]string
			LastEvaluatedKey json.RawMessage
		}
		if err := json.Unmarshal([]byte(c.ask(line)), &page); err != nil {
			t.Fatal(line, err)
		}
		for _, it := range page.Items {
			got = append(got, it["n"]["N"])
		}
		if page.LastEvaluatedKey == nil {
			break
		}
		start = `"ExclusiveStartKey":` + string(page.LastEvaluatedKey) + ","
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s = %s, n <= %s: got %q, wanted %q", name, value, bound, got, want)
	}
}

func compareText(a, b string) int {
	x, _ := new(big.Rat).SetString(a)
	y, _ := new(big.Rat).SetString(b)
	return x.Cmp(y)
}

// Numbers are added, compared and ordered as rationals are.
func TestNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	draw := func() string {
		s := fmt.Sprint(r.IntN(2000) - 1000)
		switch r.IntN(4) {
		case 0:
			s += fmt.Sprintf(".%03d", r.IntN(1000))
		case 1:
			s += fmt.Sprintf("e%d", r.IntN(24)-12)
		}
		return s
	}
	for range 20000 {
		a, b := draw(), draw()
		x, errX := parseNumber(a)
		y, errY := parseNumber(b)
		if errX != nil || errY != nil {
			t.Fatal(a, b, errX, errY)
		}
		want := compareText(a, b)
		if got := x.compare(y); sign(got) != want {
			t.Fatalf("%s and %s: compare %d, wanted %d", a, b, got, want)
		}
		if got := strings.Compare(x.ordered(), y.ordered()); got != want {
			t.Fatalf("%s and %s: order %d, wanted %d", a, b, got, want)
		}
		total, err := x.minus(y)
		if err != nil {
			continue // more than 38 digits
		}
		p, _ := new(big.Rat).SetString(a)
		q, _ := new(big.Rat).SetString(b)
		if z, _ := new(big.Rat).SetString(total.String()); z.Cmp(p.Sub(p, q)) != 0 {
			t.Fatalf("%s - %s = %s", a, b, total)
		}
		if again, err := parseNumber(total.String()); err != nil || again != total {
			t.Fatalf("%s comes back as %s, %v", total, again, err)
		}
	}
}

func sign(n int) int { return max(-1, min(1, n)) }
