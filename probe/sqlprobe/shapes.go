package sqlprobe

import "database/sql/driver"

// extras are what a connection may have.
type extras struct {
	execer    execer
	queryer   queryer
	resetter  driver.SessionResetter
	validator driver.Validator
}

type (
	resetter  = driver.SessionResetter
	validator = driver.Validator
)

// shapes are the connections by what they have of these, the first one the lowest bit.
var shapes = [16]func(*conn, extras) driver.Conn{
	func(c *conn, _ extras) driver.Conn { return c },
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			execer
		}{c, x.execer}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			queryer
		}{c, x.queryer}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			execer
			queryer
		}{c, x.execer, x.queryer}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			resetter
		}{c, x.resetter}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			execer
			resetter
		}{c, x.execer, x.resetter}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			queryer
			resetter
		}{c, x.queryer, x.resetter}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			execer
			queryer
			resetter
		}{c, x.execer, x.queryer, x.resetter}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			validator
		}{c, x.validator}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			execer
			validator
		}{c, x.execer, x.validator}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			queryer
			validator
		}{c, x.queryer, x.validator}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			execer
			queryer
			validator
		}{c, x.execer, x.queryer, x.validator}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			resetter
			validator
		}{c, x.resetter, x.validator}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			execer
			resetter
			validator
		}{c, x.execer, x.resetter, x.validator}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			queryer
			resetter
			validator
		}{c, x.queryer, x.resetter, x.validator}
	},
	func(c *conn, x extras) driver.Conn {
		return &struct {
			*conn
			execer
			queryer
			resetter
			validator
		}{c, x.execer, x.queryer, x.resetter, x.validator}
	},
}
