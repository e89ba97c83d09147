// go-redis as its users have it: HELLO 3 and SETINFO when it connects, pipelines, MULTI, a database of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var ctx = context.Background()

func check(holds bool, what string, got ...any) {
	if !holds {
		log.Fatalf("%s: %v", what, got)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	nodes := strings.Split(os.Getenv("NODES"), " ")
	for _, protocol := range []int{2, 3} {
		fmt.Println("RESP", protocol)
		use(nodes, protocol)
	}
	fmt.Println("databases")
	databases(nodes)
}

func use(nodes []string, protocol int) {
	connect := func(i int) *redis.Client {
		return redis.NewClient(&redis.Options{Addr: nodes[i], Protocol: protocol})
	}
	first, second, third := connect(0), connect(1), connect(2)
	defer first.Close()
	defer second.Close()
	defer third.Close()
	key := fmt.Sprintf("go:%d", protocol)

	must(first.Set(ctx, key, "v", 100*time.Second).Result())
	check(must(second.Get(ctx, key).Result()) == "v", "a value")
	left := must(third.TTL(ctx, key).Result())
	check(left > 97*time.Second && left <= 100*time.Second, "its time", left)
	_, err := first.Get(ctx, key+":none").Result()
	check(errors.Is(err, redis.Nil), "nothing", err)
	check(must(second.Expire(ctx, key, 50*time.Second).Result()), "expire")
	must(first.HSet(ctx, key+":h", "a", 1, "b", 2).Result())
	all := must(third.HGetAll(ctx, key+":h").Result())
	check(len(all) == 2 && all["a"] == "1" && all["b"] == "2", "a hash", all)
	must(first.SAdd(ctx, key+":s", "y", "x").Result())
	members := must(second.SMembers(ctx, key+":s").Result())
	sort.Strings(members)
	check(strings.Join(members, " ") == "x y", "a set", members)

	must(first.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i := range 100 {
			pipe.Set(ctx, fmt.Sprintf("%s:many:%d", key, i), i, 0)
		}
		return nil
	}))
	var names []string
	walk := second.Scan(ctx, 0, key+":many:*", 20).Iterator()
	for walk.Next(ctx) {
		names = append(names, walk.Val())
	}
	check(walk.Err() == nil && len(names) == 100, "a scan", len(names), walk.Err())
	check(must(third.Del(ctx, names...).Result()) == 100, "a delete of many")

	replies := must(first.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, key+":m", 1, 0)
		pipe.Incr(ctx, key+":m")
		pipe.Get(ctx, key+":m")
		return nil
	}))
	check(replies[2].(*redis.StringCmd).Val() == "2", "MULTI", replies)
	_, err = first.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Incr(ctx, key+":m")
		pipe.Do(ctx, "NO-SUCH-COMMAND")
		return nil
	})
	check(err != nil, "an unknown command in MULTI")
	check(must(second.Get(ctx, key+":m").Result()) == "2", "what was refused has run")
	err = first.Watch(ctx, func(*redis.Tx) error { return nil }, key+":m")
	check(err != nil && strings.Contains(err.Error(), "UNSUPPORTED"), "WATCH", err)
}

func databases(nodes []string) {
	zero := redis.NewClient(&redis.Options{Addr: nodes[0]})
	one := redis.NewClient(&redis.Options{Addr: nodes[1], DB: 1})
	defer zero.Close()
	defer one.Close()
	must(zero.Set(ctx, "go:db", "zero", 0).Result())
	must(one.Set(ctx, "go:db", "one", 0).Result())
	check(must(zero.Get(ctx, "go:db").Result()) == "zero", "database 0")
	check(must(one.Get(ctx, "go:db").Result()) == "one", "database 1")
}
