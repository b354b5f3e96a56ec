package sqlprobe

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
)

// ahead are rows of which some were read before the caller reads them. What
// database/sql takes rows for that lack an interface is what they answer then.
type ahead struct {
	driver.Rows
	read [][]driver.Value
	end  error // what comes behind these; nil for more of the driver's
}

// readAhead reads an answer, and returns what reads it again. What it says is
// appended to b, as rules see it; nothing, if it is too long.
func readAhead(base driver.Rows, b []byte) (rows driver.Rows, answer []byte, err error) {
	a := &ahead{Rows: base}
	columns := base.Columns()
	b = append(b, `{"rows":[`...)
	for size := 0; a.end == nil && size <= MostRead; {
		dest := make([]driver.Value, len(columns))
		if a.end = base.Next(dest); a.end != nil {
			break
		}
		if len(a.read) > 0 {
			b = append(b, ',')
		}
		row, before := object{b: b}, len(b)
		for i, v := range dest {
			if raw, ok := v.([]byte); ok { // the driver uses it again
				dest[i] = bytes.Clone(raw)
			}
			row.name(columns[i])
			row.b = appendValue(row.b, dest[i])
		}
		b = row.end()
		size += len(b) - before
		a.read = append(a.read, dest)
	}
	if b = append(b, "]}"...); !errors.Is(a.end, io.EOF) {
		b = b[:0]
		err = a.end
	}
	if next, ok := base.(driver.RowsNextResultSet); ok {
		return &aheadOfMore{a, next}, b, err
	}
	return a, b, err
}

// Next returns the next row.
func (a *ahead) Next(dest []driver.Value) error {
	if len(a.read) > 0 {
		copy(dest, a.read[0])
		a.read = a.read[1:]
		return nil
	}
	if a.end != nil {
		return a.end
	}
	return a.Rows.Next(dest)
}

// ColumnTypeScanType is base's.
func (a *ahead) ColumnTypeScanType(index int) reflect.Type {
	if t, ok := a.Rows.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(index)
	}
	return reflect.TypeFor[any]()
}

// ColumnTypeDatabaseTypeName is base's.
func (a *ahead) ColumnTypeDatabaseTypeName(index int) string {
	if t, ok := a.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(index)
	}
	return ""
}

// ColumnTypeLength is base's.
func (a *ahead) ColumnTypeLength(index int) (length int64, ok bool) {
	if t, ok := a.Rows.(driver.RowsColumnTypeLength); ok {
		return t.ColumnTypeLength(index)
	}
	return 0, false
}

// ColumnTypeNullable is base's.
func (a *ahead) ColumnTypeNullable(index int) (nullable, ok bool) {
	if t, ok := a.Rows.(driver.RowsColumnTypeNullable); ok {
		return t.ColumnTypeNullable(index)
	}
	return false, false
}

// ColumnTypePrecisionScale is base's.
func (a *ahead) ColumnTypePrecisionScale(index int) (precision, scale int64, ok bool) {
	if t, ok := a.Rows.(driver.RowsColumnTypePrecisionScale); ok {
		return t.ColumnTypePrecisionScale(index)
	}
	return 0, 0, false
}

// aheadOfMore are rows behind which other answers may come.
type aheadOfMore struct {
	*ahead
	next driver.RowsNextResultSet
}

// HasNextResultSet tells whether there is another answer.
func (a *aheadOfMore) HasNextResultSet() bool { return a.next.HasNextResultSet() }

// NextResultSet goes on to it.
func (a *aheadOfMore) NextResultSet() error {
	a.read, a.end = nil, nil
	return a.next.NextResultSet()
}
