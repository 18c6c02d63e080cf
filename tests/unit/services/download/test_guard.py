"""Which addresses may be dialled: one table, in every spelling that a program might take."""

import socket
from ipaddress import ip_address, ip_network

import pytest

from services.download.guard import Blocked, Guard, unwrap

PUBLIC = """
8.8.8.8 1.1.1.1 9.9.9.9 93.184.216.34 172.15.255.255 172.32.0.1 11.0.0.1 100.63.255.255
100.128.0.1 169.253.0.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.0 223.255.255.254
2606:4700:4700::1111 2a00:1450:4001:81b::200e 2001:4860:4860::8888 2620:fe::fe 2400:cb00::1
::ffff:8.8.8.8 ::ffff:808:808 64:ff9b::8.8.8.8 64:ff9b::101:101
"""

PRIVATE = """
127.0.0.1 127.1.2.3 127.255.255.255 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 172.16.0.1
172.31.255.255 192.168.0.1 192.168.255.255 169.254.0.1 169.254.169.254 169.254.170.2
100.64.0.1 100.100.100.200 100.127.255.255 192.0.0.1 192.0.0.9 192.0.0.10 192.0.0.192
192.0.2.1 198.51.100.7 203.0.113.9 198.18.0.1 198.19.255.255 192.88.99.1 168.63.129.16
224.0.0.1 239.255.255.250 232.1.1.1 240.0.0.1 250.1.1.1 255.255.255.255
:: ::1 0:0:0:0:0:0:0:1 ::2 ::7f00:1 ::127.0.0.1 ::8.8.8.8
::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe
::ffff:0.0.0.0 ::ffff:192.168.1.1 ::ffff:100.64.0.1 ::ffff:224.0.0.1 ::ffff:168.63.129.16
::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8
64:ff9b::127.0.0.1 64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::0.0.0.0
64:ff9b::192.168.0.1 64:ff9b::224.0.0.1 64:ff9b:0:0:0:1:808:808
64:ff9b:1::1 64:ff9b:1::8.8.8.8 64:ff9b:1:ffff::7f00:1
2002:7f00:1::1 2002:a00:1:: 2002:a9fe:a9fe::1 2002:c0a8:101::1 2002:808:808::1
2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:0:7f00:1::1 2001:2::1 2001:10::1 2001:20::1
2001:db8::1 2001:db8:ffff::1 3fff::1 3fff:fff:ffff::1 5f00::1 100::1 100:0:0:1::1
fc00::1 fd00::1 fd00:ec2::254 fd20:ce::254 fdff:ffff::1
fe80::1 fe80::a9fe:a9fe febf::1 fec0::1 feff::1 fe80::1%eth0 fe80::1%1
ff00::1 ff02::1 ff02::fb ff05::2 ff0e::1 ff0e::8:8 ffff::1 4000::1 8000::1 e000::1 1000::1
"""


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public_addresses_may_be_dialled(text: str) -> None:
    assert Guard().permits(ip_address(text))


@pytest.mark.parametrize("text", PRIVATE.split())
def test_other_addresses_may_not(text: str) -> None:
    assert not Guard().permits(ip_address(text))


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(set(PRIVATE.split())) >= 100


@pytest.mark.parametrize(
    ("network", "address", "permitted"),
    [
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8", "::ffff:127.0.0.1", True),
        ("127.0.0.0/8", "::1", False),
        ("127.0.0.0/8", "10.0.0.1", False),
        ("10.1.0.0/16", "10.1.2.3", True),
        ("10.1.0.0/16", "10.2.0.1", False),
        ("10.1.0.0/16", "64:ff9b::10.1.0.1", True),
        ("10.1.0.0/16", "2002:a01:1::1", False),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "fc00::1", False),
        ("64:ff9b:1::/48", "64:ff9b:1::7f00:1", True),
    ],
)
def test_allowed_networks_are_the_exception(network: str, address: str, permitted: bool) -> None:
    assert Guard((ip_network(network),)).permits(ip_address(address)) is permitted


@pytest.mark.parametrize(
    ("address", "inner"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("64:ff9b::1.2.3.4", "1.2.3.4"),
        ("64:ff9b:0:0:0:1:102:304", "64:ff9b::1:102:304"),
        ("2606:4700::1", "2606:4700::1"),
    ],
)
def test_unwrap_finds_where_packets_go(address: str, inner: str) -> None:
    assert unwrap(ip_address(address)) == ip_address(inner)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "", "1.1"])
def test_no_socket_is_made_for_what_may_not_be_dialled(host: str) -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, 80))
    with pytest.raises(Blocked) as caught:
        Guard().socket(info)
    assert caught.value.address == host


def test_a_socket_of_the_right_family_is_made_for_a_public_address() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("8.8.8.8", 443))
    with Guard().socket(info) as made:
        assert made.family == socket.AF_INET
        assert made.type == socket.SOCK_STREAM
