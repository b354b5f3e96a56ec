package dynamodb

import "math"

// units are what an operation has used of a table's throughput, and of its
// indexes'.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
type units struct {
	table   float64
	indexes map[string]float64
}

// usage is what an operation has used.
type usage struct {
	table *table
	units
}

// readUnits are those of so many bytes: one for each 4 KB, half of it where an
// older answer is good enough, twice in a transaction.
func readUnits(size int, consistent bool, times float64) float64 {
	n := max(1, math.Ceil(float64(size)/4096)) * times
	if !consistent {
		n /= 2
	}
	return n
}

// writeUnits are those of a change: one for each KB of the larger item, and as
// many in each index in which something changes: twice, where it goes to
// another place. In a transaction it is twice as much.
func writeUnits(t *table, before, after item, times float64) units {
	of := func(a, b item) float64 { return max(1, math.Ceil(float64(max(a.size(), b.size()))/1024)) * times }
	out := units{table: of(before, after)}
	for _, x := range t.indexes {
		from, had := t.placeOf(&x.view, before)
		to, has := t.placeOf(&x.view, after)
		was, is := x.project(t, before), x.project(t, after)
		n := 0.0
		switch {
		case had && has && from == to && was.equal(is), !had && !has:
			continue
		case had && has && from != to:
			n = of(was, nil) + of(is, nil)
		case !had:
			n = of(is, nil)
		case !has:
			n = of(was, nil)
		default:
			n = of(was, is)
		}
		if out.indexes == nil {
			out.indexes = map[string]float64{}
		}
		out.indexes[x.name] = n
	}
	return out
}

// add adds what else has been used of the same table.
func (u *units) add(o units) {
	u.table += o.table
	for name, n := range o.indexes { //wtsim:order sums
		if u.indexes == nil {
			u.indexes = map[string]float64{}
		}
		u.indexes[name] += n
	}
}

// told is usage as an answer has it; nil if nobody asks.
func (u *usage) told(asked string) (map[string]any, error) {
	if err := oneOf(asked, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE"); err != nil || asked == "" || asked == "NONE" {
		return nil, err
	}
	total, global, local := u.units.table, map[string]any{}, map[string]any{}
	for _, x := range u.table.indexes {
		n, used := u.units.indexes[x.name]
		if !used {
			continue
		}
		total += n
		if x.global {
			global[x.name] = map[string]any{"CapacityUnits": n}
		} else {
			local[x.name] = map[string]any{"CapacityUnits": n}
		}
	}
	out := map[string]any{"TableName": u.table.name, "CapacityUnits": total}
	if asked == "INDEXES" {
		out["Table"] = map[string]any{"CapacityUnits": u.units.table}
		if len(global) > 0 {
			out["GlobalSecondaryIndexes"] = global
		}
		if len(local) > 0 {
			out["LocalSecondaryIndexes"] = local
		}
	}
	return out, nil
}

// consumed tells in an answer what has been used, if it is asked for.
func (b *Backend) consumed(out map[string]any, asked string, u *usage) error {
	told, err := u.told(asked)
	if told != nil {
		out["ConsumedCapacity"] = told
	}
	return err
}

// consumedOfAll is [Backend.consumed] of an operation on several tables, each
// once, in the order in which they come.
func (b *Backend) consumedOfAll(out map[string]any, asked string, all []*usage) error {
	var sums []*usage
	by := map[string]*usage{}
	for _, u := range all {
		if sum := by[u.table.name]; sum != nil {
			sum.add(u.units)
			continue
		}
		sum := &usage{table: u.table}
		sum.add(u.units)
		by[u.table.name] = sum
		sums = append(sums, sum)
	}
	var list []any
	for _, u := range sums {
		told, err := u.told(asked)
		if err != nil {
			return err
		}
		if told != nil {
			list = append(list, told)
		}
	}
	if list != nil {
		out["ConsumedCapacity"] = list
	}
	return nil
}
