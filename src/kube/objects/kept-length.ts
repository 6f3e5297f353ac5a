/** Bounds what is kept of one object. */

/**
 * More than any real pod template comes to: names, images, mounts and named ports of a hundred containers with a thousand characters each. Whoever
 * may create pods or workloads can make each as long as etcd stores an object, and a few hundred of these would fill the operator's memory.
 */
export const MOST_CHARACTERS = 131_072;
/** What a value takes besides its text, such as a number or an element of a list. */
const EACH = 8;

/** Whether a view is short enough to be kept. */
export const isKeepable = (view: unknown): boolean => rest(MOST_CHARACTERS, view) >= 0;

/** What is left of the limit after a value; negative as soon as it is exceeded. */
function rest(limit: number, value: unknown): number {
  let left = limit - EACH - (typeof value === 'string' ? value.length : 0);
  if (typeof value !== 'object' || value === null) {
    return left;
  }
  for (const [name, part] of Object.entries(value)) {
    left = rest(left - (Array.isArray(value) ? 0 : name.length), part);
    if (left < 0) {
      break;
    }
  }
  return left;
}
