/** Asks what an action would come to, shows it, and does it when a person says so. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Act, ActReply, ActRequest, Detail } from '../src/dashboard/model.ts';

interface DialogProps {
  readonly act: Act;
  readonly detail: Detail;
  readonly close: () => void;
}

async function ask(request: ActRequest): Promise<ActReply & { readonly ok: boolean }> {
  try {
    const answer = await fetch('act', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-postcheck-dashboard': 'act' },
      body: JSON.stringify(request),
    });
    return { ok: answer.ok, ...((await answer.json()) as ActReply) };
  } catch {
    return { ok: false, done: false, text: 'the command that serves this page does not respond' };
  }
}

export function ActDialog({ act, detail, close }: DialogProps): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const [reply, setReply] = useState<(ActReply & { readonly ok: boolean }) | undefined>();
  const [isSending, setSending] = useState(false);
  const { namespace, name } = detail.card;
  // What the page showed when the button was pressed.
  const [request] = useState<ActRequest>({
    ...act,
    namespace,
    name,
    uid: detail.uid,
    attempt: detail.attempt,
  });
  useEffect(() => {
    ref.current?.showModal();
    void ask(request).then(setReply);
  }, []);
  const confirm = async (): Promise<void> => {
    setSending(true);
    setReply(await ask({ ...request, confirmed: true }));
    setSending(false);
  };
  return (
    <dialog ref={ref} aria-labelledby="act-title" onClose={close}>
      <h2 id="act-title">
        {act.verb} {act.stage} of {namespace}/{name}
      </h2>
      <p role="status">
        {reply === undefined
          ? 'Evaluating what this would do…'
          : reply.done
            ? `Done: ${reply.text}`
            : reply.text}
      </p>
      <div class="acts">
        <button type="button" onClick={() => ref.current?.close()}>
          {reply?.done ? 'Close' : 'Cancel'}
        </button>
        {reply?.ok && !reply.done && (
          <button type="button" class="confirm" disabled={isSending} onClick={() => void confirm()}>
            Yes, {act.verb}
          </button>
        )}
      </div>
    </dialog>
  );
}
