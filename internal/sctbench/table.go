package sctbench

// Programs are the rows of the published table, in its order, and SafeStack,
// which none of its columns finds.
var Programs = []Program{
	row("account", "a check of two transfers expects the wrong sum", account, 1, 9, 6, 1, 10),
	row("bluetooth_driver", "a driver is stopped between its test and its increment", bluetooth, 72, 161, 155, 45, 9),
	row("carter01", "a lock is taken within another that its release needs", carter, 2, 5, 1, 2, 4),
	row("circular_buffer", "a receiver counts its turns, not its elements", circularBuffer, 2, 5, 2, 2, 3),
	row("deadlock01", "two locks are taken in either order", deadlock, 4, 20, 1, 5, 3),
	row("lazy01", "two additions may both come before the check", lazy, 5, 10, 12, 6, 7),
	row("queue", "what is stored is counted by turns", queue, 1, 12, 1, 1, 4),
	row("reorder_3", "a checker sees one of two stores", reorder(3), 223, 241, found(45843, 18), 7, 6),
	row("reorder_4", "the same, with 4 threads", reorder(4), 1464, 395, never, 6, 9),
	row("reorder_5", "the same, with 5 threads", reorder(5), found(4377, 17), 1126, never, 6, 12),
	row("reorder_10", "the same, with 10 threads", reorder(10), never, 2356, never, 6, 27),
	row("reorder_20", "the same, with 20 threads", reorder(20), never, 2128, never, 6, 39),
	row("reorder_50", "the same, with 50 threads", reorder(50), never, found(12346, 7), never, 6, 129),
	row("reorder_100", "the same, with 100 threads", reorder(100), never, found(7447, 1), never, 6, 297),
	row("stack", "a flag that stays set says that there is something to pop", stack, 2, 2, 1, 2, 8),
	row("token_ring", "four threads that agree in one order only", tokenRing, 7, 8, 12, 5, 2),
	row("twostage", "a reader comes between two stages of a write", twostage(2), 15, 9, 336, 8, 4),
	row("twostage_20", "the same, with 20 threads", twostage(20), 185, 188, never, 22, 76),
	row("twostage_50", "the same, with 50 threads", twostage(50), found(1984, 19), 849, never, 35, 286),
	row("twostage_100", "the same, with 100 threads", twostage(100), never, found(3888, 6), never, 56, 690),
	row("wronglock", "one thread takes another lock than the other 7", wronglock(7), 1, 88, 37, 1, 4),
	row("wronglock_3", "one thread takes another lock than the other 3", wronglock(3), 1, 40, 37, 1, 5),
	row("stringbuffer-jdk1.4", "a length is old when the characters are copied", stringBuffer, 18, 195, 1405, 15, 27),
	row("WorkStealQueue", "a push overwrites what a thief is about to take", stealVariant{stealers: 1}.program, 10, 12, never, 10, 57),
	row("InterlockedWorkStealQueue", "the same, with interlocked reads", stealVariant{stealers: 1}.program, 1, found(24, 14), never, 1, 57),
	row("InterlockedWorkStealQueueWithState", "the same, with records for a checker", stealVariant{stealers: 1, stateful: true}.program, 9, found(16, 1), 16, 7, 224),
	row("StateWorkStealQueue", "the same, with two thieves", stealVariant{stealers: 2, stateful: true, all: true}.program, 1, found(12, 1), never, 1, 249),
	row("boundedBuffer", "a signal is lost between the release of the lock and the wait", boundedBuffer, 6, 15, 14, 8, found(8, 16)),
	row("qsort_mt", "a thread is marked as working before it knows on what", quicksort, 646, 3838, never, 322, 27),
	row("SafeStack", "a cell goes round while its successor is read", safeStack, never, never, never, never, never),
}

// Columns are the names of the published columns, in order.
var Columns = []string{"POS", "PCT", "Q-learning", "RFF", "PERIOD"}

// never is a bug that was found in none of the trials.
var never = Published{}

func found(mean float64, trials int) Published { return Published{Mean: mean, Found: trials} }

// row is a row of the table. A number is a mean over 20 trials that all found
// the bug.
func row(name, doc string, program func(fixed bool) func(*Task), columns ...any) Program {
	p := Program{Name: name, Doc: doc, Main: program(false), Fixed: program(true), Field: map[string]Published{}}
	for i, c := range columns {
		switch c := c.(type) {
		case int:
			p.Field[Columns[i]] = found(float64(c), 20)
		case Published:
			p.Field[Columns[i]] = c
		}
	}
	return p
}

// Best is the lowest published mean of those that found the bug in all
// trials; 0 if none did.
func (p *Program) Best() float64 {
	best := 0.0
	for _, name := range Columns {
		if c := p.Field[name]; c.Found == 20 && (best == 0 || c.Mean < best) {
			best = c.Mean
		}
	}
	return best
}

// Find returns the program of a name, or nil.
func Find(name string) *Program {
	for i := range Programs {
		if Programs[i].Name == name {
			return &Programs[i]
		}
	}
	return nil
}
