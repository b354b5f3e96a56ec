module example.com/draws

go 1.25
