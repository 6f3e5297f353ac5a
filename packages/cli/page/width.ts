/** How wide an element is, followed. */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

const AT_FIRST = 800;

export function useWidth<E extends HTMLElement>(): [RefObject<E | null>, number] {
  const ref = useRef<E>(null);
  const [width, setWidth] = useState(AT_FIRST);
  useEffect(() => {
    const element = ref.current;
    if (!element) {
      return;
    }
    const observer = new ResizeObserver(([entry]) => {
      setWidth(Math.max(200, Math.floor(entry?.contentRect.width ?? AT_FIRST)));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
