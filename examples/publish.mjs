// Publish a job: node publish.mjs https://example.com/photo.jpg

import { randomUUID } from "node:crypto";
import amqp from "amqplib";

const url = process.env.AMQP_URL ?? "amqp://guest:guest@localhost/";
const queue = `${process.env.QUEUE_PREFIX ?? "video.processing"}.download`;
const source = process.argv[2];
if (!source) throw new Error("usage: node publish.mjs SOURCE");

const job = { jobId: randomUUID(), source };
const connection = await amqp.connect(url);
const channel = await connection.createConfirmChannel();
await channel.checkQueue(queue); // an error if no service has declared it yet
channel.sendToQueue(queue, Buffer.from(JSON.stringify(job)), {
  contentType: "application/json",
  persistent: true,
});
await channel.waitForConfirms();
await connection.close();
console.log(job.jobId);
