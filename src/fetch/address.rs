//! Which addresses belong to the public internet. A table from IANA's special-purpose registries
//! and nothing else: whether an address may be used is decided where it is asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whom an address leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Anybody on the internet.
    Public,
    /// This machine or the network around it: loopback, private, carrier-grade NAT.
    Private,
    /// The wire this machine is on, where clouds tell machines their own credentials; and two further addresses at which they do.
    Link,
    /// No single host: unspecified, multicast, broadcast, documentation, benchmarks, reserved.
    Nowhere,
}

/// Sorts an address; one that carries an IPv4 address inside (mapped, 6to4, NAT64) is sorted by it.
pub fn reach(ip: IpAddr) -> Reach {
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    match ip.octets() {
        [169, 254, ..] | [100, 100, 100, 200] => Reach::Link,
        [10 | 127, ..] | [192, 168, ..] => Reach::Private,
        [172, 16..=31, ..] => Reach::Private,
        [100, 64..=127, ..] => Reach::Private,
        // This network, protocol assignments, documentation, the old 6to4 relays, benchmarks.
        [0, ..] | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Nowhere,
        [192, 88, 99, _] | [198, 18 | 19, ..] => Reach::Nowhere,
        // Multicast, reserved and broadcast.
        [224..=255, ..] => Reach::Nowhere,
        _ => Reach::Public,
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        // NAT64's well-known prefix, on which networks without IPv4 reach all of it.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0xfe80..=0xfebf, ..] | [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Reach::Link,
        // NAT64 inside one network, unique local and the old site-local.
        [0x64, 0xff9b, 1, ..] | [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Reach::Private,
        // 6to4.
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments (Teredo, ORCHID, benchmarks among them) and documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Reach::Nowhere,
        // What is handed out today; everything else is special or not assigned.
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(addresses: &[&str], expected: Reach) {
        for address in addresses {
            let ip: IpAddr = address.parse().expect(address);
            assert_eq!(reach(ip), expected, "{address}");
        }
    }

    #[test]
    fn the_internet() {
        let public = ["1.1.1.1", "100.63.0.1", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1"];
        all(&public, Reach::Public);
        all(&["2606:4700::1111", "2a00::1", "64:ff9b::808:808", "2002:808:808::"], Reach::Public);
        all(&["::ffff:8.8.8.8", "2001:200::1"], Reach::Public);
    }

    #[test]
    fn this_machine_and_its_neighbours() {
        let v4 = ["127.0.0.1", "127.255.0.9", "10.1.2.3", "172.16.0.1", "172.31.255.1", "192.168.0.1"];
        all(&v4, Reach::Private);
        all(&["100.64.0.1", "100.127.255.255"], Reach::Private);
        all(&["::1", "fc00::1", "fd12::1", "fec0::1", "64:ff9b:1::1"], Reach::Private);
        all(&["::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:a00:1::1"], Reach::Private);
    }

    #[test]
    fn where_clouds_tell_machines_their_credentials() {
        all(&["169.254.169.254", "100.100.100.200", "fe80::1", "febf::1", "fd00:ec2::254"], Reach::Link);
        all(&["::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"], Reach::Link);
    }

    #[test]
    fn nobody() {
        let v4 = ["0.0.0.0", "0.1.2.3", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.1"];
        all(&v4, Reach::Nowhere);
        let v4 = ["198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1"];
        all(&v4, Reach::Nowhere);
        let v6 = ["::", "::7f00:1", "2001::1", "2001:db8::1", "3fff::1", "ff02::1", "5f00::1", "100::1"];
        all(&v6, Reach::Nowhere);
        all(&["::ffff:0.0.0.0", "64:ff9b::e000:1"], Reach::Nowhere);
    }
}
