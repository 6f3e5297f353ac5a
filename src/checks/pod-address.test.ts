import { describe, expect, test } from '@jest/globals';
import { whyNotProbed } from './pod-address.ts';

describe('an address that is probed', () => {
  test.each([
    '10.244.1.7',
    '100.64.0.9',
    '100.100.100.201',
    '192.168.1.1',
    '240.0.0.9',
    '8.8.8.8',
    'fd00:10:244::7',
    '2001:db8::1',
    '2001:4860::7',
    'fd00:ec3::7',
    '::ffff:10.244.1.7',
  ])('%s', (address) => {
    expect(whyNotProbed(address)).toBeUndefined();
  });
});

describe('an address that is not', () => {
  test.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['0:0:0:0:0:ffff:7f00:0001', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::', 'unspecified'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['169.254.169.254', 'link-local'],
    ['::ffff:169.254.169.254', 'link-local'],
    ['::ffff:a9fe:a9fe', 'link-local'],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::127.0.0.1', 'IPv4-compatible'],
    ['64:ff9b::7f00:1', 'translated'],
    ['64:ff9b::169.254.169.254', 'translated'],
    // openshift/router#842, rocketride-org/rocketride-server#2060: forms of IPv6 that lead to an IPv4 address, and metadata services.
    ['::ffff:0:127.0.0.1', 'translated'],
    ['2002:a9fe:a9fe::1', '6to4'],
    ['2002:7f00:1::', '6to4'],
    ['2001:0:a9fe:a9fe::', 'Teredo'],
    ['fec0::1', 'site-local'],
    ['168.63.129.16', 'metadata'],
    ['::ffff:168.63.129.16', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['fd00:ec2::23', 'metadata'],
    ['fd20:ce::254', 'metadata'],
    ['fd00:c1::a9fe:a9fe', 'metadata'],
    ['fe80::1%eth0', 'not the IP address'],
    ['localhost', 'not the IP address'],
    ['127.1', 'not the IP address'],
    ['2130706433', 'not the IP address'],
    ['0x7f.0.0.1', 'not the IP address'],
    ['10.0.0.1:80', 'not the IP address'],
    ['', 'no IP yet'],
  ])('%s', (address, why) => {
    expect(whyNotProbed(address)).toContain(why);
  });
});
