/** Rejects addresses that must not be probed. */
import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Addresses that no pod has but that reach something where the operator runs: itself, its node's neighbours, a cloud's metadata service. A pod's IP
 * comes from the pod's status, and a client that can write that status must not choose where the operator connects.
 */
const REJECTED: readonly (readonly [what: string, network: string, prefix: number])[] = [
  ['an unspecified', '0.0.0.0', 8],
  ['a loopback', '127.0.0.0', 8],
  ['a link-local', '169.254.0.0', 16],
  ['a multicast', '224.0.0.0', 4],
  ['a broadcast', '255.255.255.255', 32],
  ['an unspecified', '::', 128],
  ['a loopback', '::1', 128],
  ['an IPv4-compatible', '::', 96],
  ['a link-local', 'fe80::', 10],
  ['a multicast', 'ff00::', 8],
  ['a translated', '64:ff9b::', 96],
  ['a translated', '64:ff9b:1::', 48],
  ['a translated', '::ffff:0:0:0', 96],
  ['a 6to4', '2002::', 16],
  ['a Teredo', '2001::', 32],
  ['a site-local', 'fec0::', 10],
  // Where clouds answer with a machine's credentials, outside the link-local networks: Azure, Alibaba; then AWS, Google and Oracle over IPv6.
  ['a metadata', '168.63.129.16', 32],
  ['a metadata', '100.100.100.200', 32],
  ['a metadata', 'fd00:ec2::', 32],
  ['a metadata', 'fd20:ce::254', 128],
  ['a metadata', 'fd00:c1::a9fe:a9fe', 128],
];

const BLOCK_LISTS = REJECTED.map(([what, network, prefix]) => {
  const list = new BlockList();
  list.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4');
  return { what, list };
});

/** Returns why this address is not probed; `undefined` if it may be a pod's. An IPv4 address embedded in an IPv6 one (`::ffff:…`) counts as IPv4. */
export function whyNotProbed(podIp: string): string | undefined {
  if (podIp === '') {
    return 'the pod has no IP yet';
  }
  if (isIP(podIp) === 0 || podIp.includes('%')) {
    return `${JSON.stringify(podIp)} is not the IP address of a pod: not probed`;
  }
  const family = isIPv6(podIp) ? 'ipv6' : 'ipv4';
  const found = BLOCK_LISTS.find(({ list }) => list.check(podIp, family));
  return found && `${podIp} is ${found.what} address, not one of a pod: not probed`;
}
