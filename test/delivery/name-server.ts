import { createSocket } from 'node:dgram';
import ipaddr from 'ipaddr.js';

/** What is known of a name; a question about a kind that is not there is refused, and a silent name's held back. */
export type Zone = Record<string, { A?: string[]; AAAA?: string[] } | 'silent'>;

const typeAaaa = 28;
const noSuchName = 3;
const refused = 5;

/** The name asked for, and where it ends. */
function readName(question: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let end = 12;
  for (let length = question[end] ?? 0; length > 0; length = question[end] ?? 0) {
    labels.push(question.toString('latin1', end + 1, end + 1 + length));
    end += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end };
}

function answerTo(question: Buffer, known: Zone[string] | undefined): Buffer {
  const { end } = readName(question);
  const kind = question.readUInt16BE(end + 1) === typeAaaa ? 'AAAA' : 'A';
  const records = known === 'silent' ? undefined : known?.[kind];
  const code = records ? 0 : known && known !== 'silent' ? refused : noSuchName;
  const header = Buffer.from([0, 0, 0x81, 0x80 | code, 0, 1, 0, records?.length ?? 0, 0, 0, 0, 0]);
  question.copy(header, 0, 0, 2);
  const typeAndClass = question.subarray(end + 1, end + 5);
  const lines = (records ?? []).map((text) => {
    const address = ipaddr.parse(text).toByteArray();
    return Buffer.from([0xc0, 0x0c, ...typeAndClass, 0, 0, 0, 0, 0, address.length, ...address]);
  });
  return Buffer.concat([header, question.subarray(12, end + 5), ...lines]);
}

/** A name server on a real socket that knows nothing but its zone. */
export async function startNameServer(zone: Zone) {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  const held: (() => void)[] = [];
  socket.on('message', (question, { port, address }) => {
    const { name } = readName(question);
    asked.push(name);
    const reply = () => socket.send(answerTo(question, zone[name]), port, address);
    if (zone[name] === 'silent') held.push(reply);
    else reply();
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    /** The names of all questions. */
    asked,
    address: `127.0.0.1:${socket.address().port}`,
    /** Answers at last that the silent names do not exist. */
    release: () => held.splice(0).forEach((reply) => reply()),
    stop: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}
