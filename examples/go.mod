module millrace/examples

go 1.24

require github.com/rabbitmq/amqp091-go v1.14.0
