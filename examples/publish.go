// Publish a job: go run publish.go https://example.com/photo.jpg
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

var (
	url   = cmp.Or(os.Getenv("AMQP_URL"), "amqp://guest:guest@localhost/")
	queue = cmp.Or(os.Getenv("QUEUE_PREFIX"), "video.processing") + ".download"
)

type job struct {
	ID     string `json:"jobId"`
	Source string `json:"source"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run publish.go SOURCE")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	connection := must(amqp.Dial(url))
	defer connection.Close()
	channel := must(connection.Channel())
	must(channel.QueueDeclarePassive(queue, true, false, false, false, nil)) // declared by the services
	if err := channel.Confirm(false); err != nil {
		log.Fatal(err)
	}

	job := job{ID: rand.Text(), Source: os.Args[1]}
	confirm := must(channel.PublishWithDeferredConfirmWithContext(ctx, "", queue, false, false, amqp.Publishing{
		ContentType:  "application/json",
		DeliveryMode: amqp.Persistent,
		Body:         must(json.Marshal(job)),
	}))
	if !must(confirm.WaitContext(ctx)) {
		log.Fatal("the broker refused the job")
	}
	fmt.Println(job.ID)
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
