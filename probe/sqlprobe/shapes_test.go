package sqlprobe

import "database/sql/driver"

// What connections, statements and rows of drivers may have: nothing, all, each alone and
// all but it, and all that wrap tells apart.
var (
	connsOf = []struct {
		has  string
		make func(*fake) driver.Conn
	}{
		{"nothing", func(f *fake) driver.Conn { return plainConn{f} }},
		{"oldExecer newExecer oldQueryer newQueryer resets validates pings checks prepares beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
				newExecer
				oldQueryer
				newQueryer
				resets
				validates
				pings
				checks
				prepares
				beginsTx
			}{plainConn{f}, oldExecer{f}, newExecer{f}, oldQueryer{f}, newQueryer{f}, resets{f}, validates{f}, pings{f}, checks{f}, prepares{f}, beginsTx{f}}
		}},
		{"oldExecer", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
			}{plainConn{f}, oldExecer{f}}
		}},
		{"newExecer", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newExecer
			}{plainConn{f}, newExecer{f}}
		}},
		{"oldQueryer", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldQueryer
			}{plainConn{f}, oldQueryer{f}}
		}},
		{"newQueryer", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newQueryer
			}{plainConn{f}, newQueryer{f}}
		}},
		{"resets", func(f *fake) driver.Conn {
			return struct {
				plainConn
				resets
			}{plainConn{f}, resets{f}}
		}},
		{"validates", func(f *fake) driver.Conn {
			return struct {
				plainConn
				validates
			}{plainConn{f}, validates{f}}
		}},
		{"pings", func(f *fake) driver.Conn {
			return struct {
				plainConn
				pings
			}{plainConn{f}, pings{f}}
		}},
		{"checks", func(f *fake) driver.Conn {
			return struct {
				plainConn
				checks
			}{plainConn{f}, checks{f}}
		}},
		{"prepares", func(f *fake) driver.Conn {
			return struct {
				plainConn
				prepares
			}{plainConn{f}, prepares{f}}
		}},
		{"beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				beginsTx
			}{plainConn{f}, beginsTx{f}}
		}},
		{"newExecer oldQueryer newQueryer resets validates pings checks prepares beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newExecer
				oldQueryer
				newQueryer
				resets
				validates
				pings
				checks
				prepares
				beginsTx
			}{plainConn{f}, newExecer{f}, oldQueryer{f}, newQueryer{f}, resets{f}, validates{f}, pings{f}, checks{f}, prepares{f}, beginsTx{f}}
		}},
		{"oldExecer oldQueryer newQueryer resets validates pings checks prepares beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
				oldQueryer
				newQueryer
				resets
				validates
				pings
				checks
				prepares
				beginsTx
			}{plainConn{f}, oldExecer{f}, oldQueryer{f}, newQueryer{f}, resets{f}, validates{f}, pings{f}, checks{f}, prepares{f}, beginsTx{f}}
		}},
		{"oldExecer newExecer newQueryer resets validates pings checks prepares beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
				newExecer
				newQueryer
				resets
				validates
				pings
				checks
				prepares
				beginsTx
			}{plainConn{f}, oldExecer{f}, newExecer{f}, newQueryer{f}, resets{f}, validates{f}, pings{f}, checks{f}, prepares{f}, beginsTx{f}}
		}},
		{"oldExecer newExecer oldQueryer resets validates pings checks prepares beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
				newExecer
				oldQueryer
				resets
				validates
				pings
				checks
				prepares
				beginsTx
			}{plainConn{f}, oldExecer{f}, newExecer{f}, oldQueryer{f}, resets{f}, validates{f}, pings{f}, checks{f}, prepares{f}, beginsTx{f}}
		}},
		{"oldExecer newExecer oldQueryer newQueryer validates pings checks prepares beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
				newExecer
				oldQueryer
				newQueryer
				validates
				pings
				checks
				prepares
				beginsTx
			}{plainConn{f}, oldExecer{f}, newExecer{f}, oldQueryer{f}, newQueryer{f}, validates{f}, pings{f}, checks{f}, prepares{f}, beginsTx{f}}
		}},
		{"oldExecer newExecer oldQueryer newQueryer resets pings checks prepares beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
				newExecer
				oldQueryer
				newQueryer
				resets
				pings
				checks
				prepares
				beginsTx
			}{plainConn{f}, oldExecer{f}, newExecer{f}, oldQueryer{f}, newQueryer{f}, resets{f}, pings{f}, checks{f}, prepares{f}, beginsTx{f}}
		}},
		{"oldExecer newExecer oldQueryer newQueryer resets validates checks prepares beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
				newExecer
				oldQueryer
				newQueryer
				resets
				validates
				checks
				prepares
				beginsTx
			}{plainConn{f}, oldExecer{f}, newExecer{f}, oldQueryer{f}, newQueryer{f}, resets{f}, validates{f}, checks{f}, prepares{f}, beginsTx{f}}
		}},
		{"oldExecer newExecer oldQueryer newQueryer resets validates pings prepares beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
				newExecer
				oldQueryer
				newQueryer
				resets
				validates
				pings
				prepares
				beginsTx
			}{plainConn{f}, oldExecer{f}, newExecer{f}, oldQueryer{f}, newQueryer{f}, resets{f}, validates{f}, pings{f}, prepares{f}, beginsTx{f}}
		}},
		{"oldExecer newExecer oldQueryer newQueryer resets validates pings checks beginsTx", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
				newExecer
				oldQueryer
				newQueryer
				resets
				validates
				pings
				checks
				beginsTx
			}{plainConn{f}, oldExecer{f}, newExecer{f}, oldQueryer{f}, newQueryer{f}, resets{f}, validates{f}, pings{f}, checks{f}, beginsTx{f}}
		}},
		{"oldExecer newExecer oldQueryer newQueryer resets validates pings checks prepares", func(f *fake) driver.Conn {
			return struct {
				plainConn
				oldExecer
				newExecer
				oldQueryer
				newQueryer
				resets
				validates
				pings
				checks
				prepares
			}{plainConn{f}, oldExecer{f}, newExecer{f}, oldQueryer{f}, newQueryer{f}, resets{f}, validates{f}, pings{f}, checks{f}, prepares{f}}
		}},
		{"newExecer newQueryer", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newExecer
				newQueryer
			}{plainConn{f}, newExecer{f}, newQueryer{f}}
		}},
		{"newExecer resets", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newExecer
				resets
			}{plainConn{f}, newExecer{f}, resets{f}}
		}},
		{"newQueryer resets", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newQueryer
				resets
			}{plainConn{f}, newQueryer{f}, resets{f}}
		}},
		{"newExecer newQueryer resets", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newExecer
				newQueryer
				resets
			}{plainConn{f}, newExecer{f}, newQueryer{f}, resets{f}}
		}},
		{"newExecer validates", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newExecer
				validates
			}{plainConn{f}, newExecer{f}, validates{f}}
		}},
		{"newQueryer validates", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newQueryer
				validates
			}{plainConn{f}, newQueryer{f}, validates{f}}
		}},
		{"newExecer newQueryer validates", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newExecer
				newQueryer
				validates
			}{plainConn{f}, newExecer{f}, newQueryer{f}, validates{f}}
		}},
		{"resets validates", func(f *fake) driver.Conn {
			return struct {
				plainConn
				resets
				validates
			}{plainConn{f}, resets{f}, validates{f}}
		}},
		{"newExecer resets validates", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newExecer
				resets
				validates
			}{plainConn{f}, newExecer{f}, resets{f}, validates{f}}
		}},
		{"newQueryer resets validates", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newQueryer
				resets
				validates
			}{plainConn{f}, newQueryer{f}, resets{f}, validates{f}}
		}},
		{"newExecer newQueryer resets validates", func(f *fake) driver.Conn {
			return struct {
				plainConn
				newExecer
				newQueryer
				resets
				validates
			}{plainConn{f}, newExecer{f}, newQueryer{f}, resets{f}, validates{f}}
		}},
	}
	stmtsOf = []struct {
		has  string
		make func(*fake) driver.Stmt
	}{
		{"nothing", func(f *fake) driver.Stmt { return plainStmt{f} }},
		{"stmtExecs", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtExecs
			}{plainStmt{f}, stmtExecs{f}}
		}},
		{"stmtQueries", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtQueries
			}{plainStmt{f}, stmtQueries{f}}
		}},
		{"stmtExecs stmtQueries", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtExecs
				stmtQueries
			}{plainStmt{f}, stmtExecs{f}, stmtQueries{f}}
		}},
		{"stmtChecks", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtChecks
			}{plainStmt{f}, stmtChecks{f}}
		}},
		{"stmtExecs stmtChecks", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtExecs
				stmtChecks
			}{plainStmt{f}, stmtExecs{f}, stmtChecks{f}}
		}},
		{"stmtQueries stmtChecks", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtQueries
				stmtChecks
			}{plainStmt{f}, stmtQueries{f}, stmtChecks{f}}
		}},
		{"stmtExecs stmtQueries stmtChecks", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtExecs
				stmtQueries
				stmtChecks
			}{plainStmt{f}, stmtExecs{f}, stmtQueries{f}, stmtChecks{f}}
		}},
		{"converts", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				converts
			}{plainStmt{f}, converts{f}}
		}},
		{"stmtExecs converts", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtExecs
				converts
			}{plainStmt{f}, stmtExecs{f}, converts{f}}
		}},
		{"stmtQueries converts", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtQueries
				converts
			}{plainStmt{f}, stmtQueries{f}, converts{f}}
		}},
		{"stmtExecs stmtQueries converts", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtExecs
				stmtQueries
				converts
			}{plainStmt{f}, stmtExecs{f}, stmtQueries{f}, converts{f}}
		}},
		{"stmtChecks converts", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtChecks
				converts
			}{plainStmt{f}, stmtChecks{f}, converts{f}}
		}},
		{"stmtExecs stmtChecks converts", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtExecs
				stmtChecks
				converts
			}{plainStmt{f}, stmtExecs{f}, stmtChecks{f}, converts{f}}
		}},
		{"stmtQueries stmtChecks converts", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtQueries
				stmtChecks
				converts
			}{plainStmt{f}, stmtQueries{f}, stmtChecks{f}, converts{f}}
		}},
		{"stmtExecs stmtQueries stmtChecks converts", func(f *fake) driver.Stmt {
			return struct {
				plainStmt
				stmtExecs
				stmtQueries
				stmtChecks
				converts
			}{plainStmt{f}, stmtExecs{f}, stmtQueries{f}, stmtChecks{f}, converts{f}}
		}},
	}
	rowsOf = []struct {
		has  string
		make func(*fake) driver.Rows
	}{
		{"nothing", func(f *fake) driver.Rows { return newRows(f) }},
		{"goesOn scans typeNames lengths nullables precisions", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				goesOn
				scans
				typeNames
				lengths
				nullables
				precisions
			}{newRows(f), goesOn{f}, scans{f}, typeNames{f}, lengths{f}, nullables{f}, precisions{f}}
		}},
		{"goesOn", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				goesOn
			}{newRows(f), goesOn{f}}
		}},
		{"scans", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				scans
			}{newRows(f), scans{f}}
		}},
		{"typeNames", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				typeNames
			}{newRows(f), typeNames{f}}
		}},
		{"lengths", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				lengths
			}{newRows(f), lengths{f}}
		}},
		{"nullables", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				nullables
			}{newRows(f), nullables{f}}
		}},
		{"precisions", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				precisions
			}{newRows(f), precisions{f}}
		}},
		{"scans typeNames lengths nullables precisions", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				scans
				typeNames
				lengths
				nullables
				precisions
			}{newRows(f), scans{f}, typeNames{f}, lengths{f}, nullables{f}, precisions{f}}
		}},
		{"goesOn typeNames lengths nullables precisions", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				goesOn
				typeNames
				lengths
				nullables
				precisions
			}{newRows(f), goesOn{f}, typeNames{f}, lengths{f}, nullables{f}, precisions{f}}
		}},
		{"goesOn scans lengths nullables precisions", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				goesOn
				scans
				lengths
				nullables
				precisions
			}{newRows(f), goesOn{f}, scans{f}, lengths{f}, nullables{f}, precisions{f}}
		}},
		{"goesOn scans typeNames nullables precisions", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				goesOn
				scans
				typeNames
				nullables
				precisions
			}{newRows(f), goesOn{f}, scans{f}, typeNames{f}, nullables{f}, precisions{f}}
		}},
		{"goesOn scans typeNames lengths precisions", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				goesOn
				scans
				typeNames
				lengths
				precisions
			}{newRows(f), goesOn{f}, scans{f}, typeNames{f}, lengths{f}, precisions{f}}
		}},
		{"goesOn scans typeNames lengths nullables", func(f *fake) driver.Rows {
			return struct {
				*fakeRows
				goesOn
				scans
				typeNames
				lengths
				nullables
			}{newRows(f), goesOn{f}, scans{f}, typeNames{f}, lengths{f}, nullables{f}}
		}},
	}
)
