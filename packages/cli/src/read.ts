/** Reads the files and the standard input that a command is given: not without end, as a device or a pipe may be. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, unreadableFile } from './fault.ts';

/** Far longer than what a chart renders, and little memory. */
const MOST_MIB = 32;

/** Reads all of a stream; throws a Fault that names it if it is too long. */
export async function textOf(stream: AsyncIterable<Uint8Array>, name: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let left = MOST_MIB * 1024 * 1024;
  for await (const part of stream) {
    left -= part.length;
    if (left < 0) {
      throw new Fault(`cannot read ${name}: it is longer than ${MOST_MIB} MiB`);
    }
    parts.push(part);
  }
  return decoded(Buffer.concat(parts));
}

/** Reads a file. */
export async function readText(file: string): Promise<string> {
  try {
    return await textOf(createReadStream(file), file);
  } catch (error) {
    throw error instanceof Fault ? error : unreadableFile(file, error);
  }
}

/** Returns the files that a name stands for: itself, or those in a folder with one of the endings. What else is in the folder is not read. */
export async function filesAt(name: string, endings: RegExp): Promise<readonly string[]> {
  try {
    if (!(await stat(name)).isDirectory()) {
      return [name];
    }
    const inside = (await readdir(name)).filter((file) => endings.test(file)).map((file) => join(name, file));
    const areFiles = await Promise.all(inside.map(isReadable));
    return inside.filter((_, index) => areFiles[index]);
  } catch (error) {
    throw unreadableFile(name, error);
  }
}

/** Not a folder, a pipe that nobody writes to, or a device. A link to nothing is one, so that reading it says so. */
const isReadable = async (file: string): Promise<boolean> =>
  await stat(file).then(
    (found) => found.isFile(),
    () => true,
  );

/** PowerShell writes UTF-16, which kubectl reads too. */
function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isUtf16 = first === 0xff && second === 0xfe;
  return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8').decode(bytes);
}
