import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from "@grpc/grpc-js";

/**
 * One gRPC call as anybody would write it, with the windows that HTTP/2 begins with:
 *
 *     plain-call serve ADDRESS          a server; says its port
 *     plain-call down|up HOST:PORT BYTES  moves so many bytes from it or to it; says the seconds
 */
const PATH = "/penstock.bench.Plain/Move";
const MESSAGE = Buffer.alloc(256 * 1024, 7);
const PASS = (bytes: Buffer): Buffer => bytes;

type Duplex = ServerDuplexStream<Buffer, Buffer>;

const [mode = "", address = "", bytes = "0"] = process.argv.slice(2);
if (mode === "serve") serve(address);
else await move(mode, address, Number(bytes));

/** The first message says how many bytes the server is to send; then it takes what comes. */
function serve(host: string): void {
  const server = new Server();
  const method = {
    path: PATH,
    requestStream: true,
    responseStream: true,
    requestSerialize: PASS,
    requestDeserialize: PASS,
    responseSerialize: PASS,
    responseDeserialize: PASS,
  } as const;
  server.addService(
    { move: method },
    {
      move: (call: Duplex) => void answer(call),
    },
  );
  server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (_, port) => {
    process.stdout.write(`port ${port}\n`);
  });
}

async function answer(call: Duplex): Promise<void> {
  let wanted: number | undefined;
  for await (const message of call as AsyncIterable<Buffer>) {
    wanted ??= Number(message.toString());
  }
  await send(call, wanted ?? 0);
  call.end();
}

async function move(direction: string, target: string, total: number): Promise<void> {
  const client = new Client(target, credentials.createInsecure());
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve()));
  });
  const start = performance.now();
  const call = client.makeBidiStreamRequest(PATH, PASS, PASS, new Metadata());
  call.write(Buffer.from(String(direction === "down" ? total : 0)));
  if (direction === "up") await send(call, total);
  call.end();
  let received = 0;
  for await (const message of call as AsyncIterable<Buffer>) received += message.length;
  const moved = direction === "down" ? received : total;
  if (moved < total) throw new Error(`${moved} bytes of ${total}`);
  process.stdout.write(`seconds ${(performance.now() - start) / 1000}\n`);
  client.close();
}

/** Whole messages, as many as hold that many bytes, as fast as they are taken. */
async function send(
  call: { write(message: Buffer, done: () => void): unknown },
  total: number,
): Promise<void> {
  for (let sent = 0; sent < total; sent += MESSAGE.length) {
    await new Promise<void>((resolve) => call.write(MESSAGE, resolve));
  }
}
