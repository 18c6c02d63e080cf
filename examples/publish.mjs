// Publish a job: node publish.mjs https://example.com/photo.jpg

import { randomUUID } from "node:crypto";
import amqp from "amqplib";

const { AMQP_URL = "amqp://guest:guest@localhost/", QUEUE_PREFIX = "video.processing" } = process.env;
const queue = `${QUEUE_PREFIX}.download`;
const job = { jobId: randomUUID(), source: process.argv[2] };

const connection = await amqp.connect(AMQP_URL);
const channel = await connection.createConfirmChannel();
await channel.checkQueue(queue); // fails if no service has declared it yet
channel.sendToQueue(queue, Buffer.from(JSON.stringify(job)), {
  contentType: "application/json",
  persistent: true,
});
await channel.waitForConfirms();
await connection.close();
console.log(job.jobId);
