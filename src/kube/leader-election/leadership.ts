/** Starts a leader election on a connection. */
import type { Connection } from '../client/connection.ts';
import { HttpClient } from '../client/http.ts';
import { Requests } from '../client/request.ts';
import type { StreamClient } from '../client/stream-client.ts';
import { Reflector } from '../watch/reflector.ts';
import { ELECTION_TIMING, Election, type ElectionOptions, REQUEST_MS } from './election.ts';
import { type LeaseRecord, readLease } from './lease-record.ts';
import { LeaseStore } from './lease-store.ts';

export interface LeaseOptions extends ElectionOptions {
  readonly namespace: string;
  readonly name: string;
}

/** A running election. */
export interface Leadership {
  readonly start: () => void;
  readonly stop: () => Promise<void>;
  readonly isLeader: () => boolean;
}

/** Assembles an election: requests over a connection of its own, and a watch of the Lease that stops when this process becomes the leader. */
export function leadership(connection: Connection, streams: StreamClient, options: LeaseOptions): Leadership {
  const http = new HttpClient(connection, 2);
  const requests = new Requests(http);
  const timing = options.timing ?? ELECTION_TIMING;
  const store = new LeaseStore(
    requests,
    options.namespace,
    options.name,
    Math.min(REQUEST_MS, timing.renewMs),
  );
  const { resource, namespace, name } = store.target;
  const election = new Election(store, {
    ...options,
    onLeading: () => {
      void reflector.stop();
      options.onLeading();
    },
  });
  const reflector = new Reflector<LeaseRecord>(streams, requests, {
    target: { resource, namespace },
    fieldSelector: `metadata.name=${name}`,
    projection: { project: readLease, keeps: () => true },
    sink: (event) => {
      if (event.type === 'synced') {
        for (const lease of event.items) {
          election.observe(lease);
        }
      } else {
        election.observe(event.type === 'delete' ? undefined : event.object);
      }
    },
  });
  return {
    start: () => {
      election.start();
      reflector.start();
    },
    stop: async () => {
      await reflector.stop();
      await election.stop();
      http.close();
    },
    isLeader: () => election.isLeader(),
  };
}
