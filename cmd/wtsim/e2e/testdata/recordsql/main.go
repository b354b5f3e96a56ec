// Command shop places an order, pays it, and takes a second payment back.
package main

import (
	"context"
	"fmt"
	"log"

	"example.com/shop/early"
)

func main() {
	ctx := context.Background()
	exec := func(q string, args ...any) {
		if _, err := early.DB.ExecContext(ctx, q, args...); err != nil {
			log.Fatal(err)
		}
	}
	exec("INSERT INTO orders (id, status) VALUES ($1, 'new')", "o-1")
	exec("UPDATE orders SET status = 'paid' WHERE id = $1", "o-1")
	tx, err := early.DB.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, "UPDATE orders SET status = 'paid' WHERE id = $1", "o-2"); err != nil {
		log.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		log.Fatal(err)
	}
	conn, err := early.DB.Conn(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_ = conn.Raw(func(c any) error {
		_, own := c.(*early.Conn)
		fmt.Println("its own connection:", own)
		return nil
	})
}
