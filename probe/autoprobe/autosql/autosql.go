// Package autosql is package autoprobe's part for programs with database/sql, which
// it alone links. Whatever a driver connects to is the service "sql", unless
// WTSIM_SERVICES names it (sql=orders-db); to (*sql.Conn).Raw a connection is the
// driver's own.
package autosql

import (
	_ "database/sql" // holds what Start sets
	"database/sql/driver"
	_ "unsafe" // for go:linkname

	"github.com/wtsim/wtsim/probe/autoprobe"
	"github.com/wtsim/wtsim/probe/sqlprobe"
)

// Start has statements recorded, in a program that wtsim build --record builds; in
// others it does nothing.
func Start(a *autoprobe.Auto) {
	if a == nil {
		return
	}
	conn = func(c driver.Conn) driver.Conn { return sqlprobe.Conn(a, "sql", c) }
	base = sqlprobe.Base
}

//go:linkname conn database/sql.wtsimConn
var conn func(driver.Conn) driver.Conn

//go:linkname base database/sql.wtsimBase
var base func(any) any
