/** The fenced blocks of a Markdown page, in their order: what readers copy, and what it is said to print. */
import { readFileSync } from 'node:fs';

export interface Block {
  readonly language: string;
  readonly text: string;
}

/** Line by line, because a search over the text would take the end of one block for the beginning of the next. */
export function blocksOf(path: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; lines: string[] } | undefined;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const fence = /^ *```(\S*)/.exec(line);
    if (fence && open) {
      blocks.push({ language: open.language, text: open.lines.join('\n') });
      open = undefined;
    } else if (fence) {
      open = { language: fence[1] ?? '', lines: [] };
    } else {
      open?.lines.push(line);
    }
  }
  return blocks;
}
