"""Ways to spell where nobody may fetch from: the class of address → how it may be written.

An entry is a host, which stands in `http://HOST:PORT/photo`, or a whole address with PORT in it.
"""

RELATIVE = "loopback, without //"

SPELLINGS: dict[str, str] = {
    "loopback, plain": """
        127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 127.0.0.0 127.255.255.255 [::1]
        https://127.0.0.1:PORT/photo https://[::1]:PORT/photo HTTP://127.0.0.1:PORT/photo
        //127.0.0.1:PORT/photo
    """,
    # In a redirect they stay with the server that sent it: as ways on that server.
    RELATIVE: """
        http:127.0.0.1:PORT/photo http:///127.0.0.1:PORT/photo http:/127.0.0.1:PORT/photo
    """,
    "loopback, one number": """
        2130706433 2130706434 017700000001 0017700000001 0x7f000001 0X7F000001 0x007f000001
        0x17f000001 4425673729 18446744071692419073 -2113929217 2130706433.
    """,
    "loopback, short": "127.1 127.0.1 127.1. 127.65793 127.0.258 0x7f.1 0177.1 127.0x1 127.01",
    "loopback, octal": """
        0177.0.0.1 0177.0.0.01 00177.00.00.01 0177.0000.0000.0001 0177.0.0.1. 127.0.0.01
        127.00.00.01 0127.0.0.1 000127.000.000.001
    """,
    "loopback, hexadecimal and mixed": """
        0x7f.0.0.1 0x7f.0x0.0x0.0x1 0x7F.0.0.0x01 127.0.0.0x1 0x7f.0x000001 0177.0x0.0.1
        0x7f.0.1 0177.0.1 0x00000000000000007f.0.0.1 127.0x0.0.1 0x7f.0.0.01
    """,
    "loopback, out of range": """
        383.0.0.1 127.0.0.257 127.256.0.1 127.0.0.1.1 256.256.256.256 127.0.65537
        127..0.0.1 .127.0.0.1 127.0.0.1.. 127.0.0.-1 127.0.0.1,8.8.8.8
    """,
    "loopback, letters that become digits": """
        ①②⑦.⓪.⓪.① ①②⑦.0.0.1 １２７.０.０.１ 127．0．0．1 127。0。0。1 127｡0｡0｡1 １２７。１ ¹²⁷.⁰.⁰.¹
        ₁₂₇.₀.₀.₁ ②①③⓪⑦⓪⑥④③③ ０x７f.1 0ⓧ7ⓕ.1 ⁰¹⁷⁷.0.0.1 𝟏𝟐𝟕.𝟎.𝟎.𝟏 𝟙𝟚𝟟.𝟘.𝟘.𝟙 ①②⑦。①
        ⓛⓞⓒⓐⓛⓗⓞⓢⓣ ｌｏｃａｌｈｏｓｔ ℓocalhost localhoſt 𝐥𝐨𝐜𝐚𝐥𝐡𝐨𝐬𝐭 [::①] [：：１] ١٢٧.0.0.1 १२७.0.0.1
    """,
    "loopback, percent-encoded": """
        %31%32%37.0.0.1 127%2e0%2e0%2e1 127.0.0.%31 %3127.0.0.1 %6c%6f%63alhost localhost%2e
        localhost%00 127.0.0.1%00.example.com 127.0.0.1%23.example.com 127.0.0.1%2f.example.com
        %5b::1%5d [%3a%3a1] [::1%2525eth0] %5B%3A%3A1%5D 127%252e0%252e0%252e1 127.0.0.1%20
        127.0.0.1%09 127.0.0.1%0d%0aHost:x
    """,
    "loopback, behind a user name": """
        http://example.com@127.0.0.1:PORT/photo http://example.com:80@127.0.0.1:PORT/photo
        http://@127.0.0.1:PORT/photo http://:@127.0.0.1:PORT/photo http://a@b@127.0.0.1:PORT/photo
        http://127.0.0.1:PORT@example.com:PORT/photo http://example.com%40127.0.0.1:PORT/photo
        http://example.com%2540127.0.0.1:PORT/photo http://8.8.8.8@[::1]:PORT/photo
        http://8.8.8.8\\@127.0.0.1:PORT/photo http://127.0.0.1:PORT\\@example.com/photo
        http://127.0.0.1:PORT#@example.com/photo http://127.0.0.1:PORT?@example.com/photo
        http://127.0.0.1:PORT;@example.com/photo http://8.8.8.8&@127.0.0.1:PORT/photo
        http:\\\\127.0.0.1:PORT/photo http:/\\127.0.0.1:PORT/photo
    """,
    "loopback, IPv6 in its forms": """
        [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::01] [::0001] [0::1] [0:0::1]
        [::0.0.0.1] [::1]. [::1%25lo] [::1%lo] [::1%251] [::1%1] [::00001] [:::1] ::1 [::1
        [1::] [::1]x [[::1]] [v6.::1] [::0x1]
    """,
    "IPv4 inside IPv6: mapped": """
        [::ffff:127.0.0.1] [::FFFF:127.0.0.1] [::ffff:7f00:1] [::ffff:7f00:0001]
        [0:0:0:0:0:ffff:127.0.0.1] [0:0:0:0:0:ffff:7f00:1] [::ffff:127.1] [::ffff:0x7f.0.0.1]
        [::ffff:0177.0.0.1] [::ffff:10.0.0.1] [::ffff:a00:1] [::ffff:169.254.169.254]
        [::ffff:a9fe:a9fe] [::ffff:192.168.1.1] [::ffff:172.16.0.1] [::ffff:100.64.0.1]
        [::ffff:0.0.0.0] [::ffff:0:0] [::ffff:224.0.0.1] [::ffff:255.255.255.255]
        [::ffff:127.0.0.1%25eth0] [::ffff:0:127.0.0.1] [::ffff:0:7f00:1]
    """,
    "IPv4 inside IPv6: compatible": """
        [::127.0.0.1] [::7f00:1] [::10.0.0.1] [::169.254.169.254] [::192.168.0.1] [::8.8.8.8] [::2]
    """,
    "IPv4 inside IPv6: 6to4, Teredo, ISATAP": """
        [2002:7f00:1::] [2002:7f00:0001::1] [2002:a00:1::] [2002:c0a8:101::1] [2002:a9fe:a9fe::]
        [2002:ac10:1::1] [2002:808:808::1] [2001::1] [2001:0:7f00:1::1]
        [2001:0:4136:e378:8000:63bf:80ff:fffe] [2001:0:a00:1:0:0:f5ff:fffe] [fe80::5efe:127.0.0.1]
        [fe80::200:5efe:a00:1]
    """,
    "IPv4 inside IPv6: NAT64": """
        [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::10.0.0.1] [64:ff9b::a9fe:a9fe]
        [64:ff9b::192.168.0.1] [64:ff9b::172.16.0.1] [64:ff9b::100.64.0.1] [64:ff9b::0.0.0.0]
        [64:ff9b::224.0.0.1] [64:ff9b::255.255.255.255] [64:ff9b:1::7f00:1] [64:ff9b:1::8.8.8.8]
        [64:ff9b:0:0:0:0:7f00:1] [64:ff9b::1:7f00:1]
    """,
    "this host and network": """
        0.0.0.0 0 0. 00 0x0 0x0.0 0.0 0.0.0 00.00.00.00 0000 0.0.0.1 0.1.2.3 0.255.255.255 [::]
        [0:0:0:0:0:0:0:0] [::0] [::0.0.0.0] [0::]
    """,
    "private": """
        10.0.0.1 10.255.255.255 10.1 167772161 0xa000001 012.0.0.1 0xa.0.0.1 172.16.0.1
        172.31.255.255 172.16.1 2886729729 0xac.0x10.0.1 192.168.0.1 192.168.255.255 192.168.1
        3232235521 0xc0a80001 0300.0250.0.1 ①⓪.⓪.⓪.① 192。168。0。1
    """,
    "link-local and metadata": """
        169.254.0.1 169.254.169.254 169.254.170.2 169.254.169.253 169.254.169.123 169.254.255.255
        2852039166 0xa9fea9fe 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376 025177524776 169.254.43518
        169.16689662 169.254.169.254. ①⑥⑨.②⑤④.①⑥⑨.②⑤④ [fd00:ec2::254] [fd20:ce::254]
        100.100.100.200 192.0.0.192 168.63.129.16
        [fe80::1] [fe80::a9fe:a9fe] [fe80::1%25eth0] [fe80::1%eth0] [fe80::1%251] [febf::1]
    """,
    "unique-local and site-local": "[fc00::1] [fd00::1] [fdff:ffff::1] [fec0::1] [feff::1]",
    "carrier-grade NAT": "100.64.0.1 100.127.255.255 100.64.1 1681915905 0x64400001 0144.0100.0.1",
    "multicast and broadcast": """
        224.0.0.1 224.0.0.251 232.1.1.1 239.255.255.250 3758096385 0xe0000001 255.255.255.255
        4294967295 0xffffffff 037777777777 [ff00::1] [ff01::1] [ff02::1] [ff02::fb] [ff05::2]
        [ff0e::1] [ff02::1%25eth0]
    """,
    "reserved": """
        240.0.0.1 250.1.1.1 254.255.255.255 4026531841 [100::1] [100:0:0:1::1] [5f00::1] [4000::1]
        [8000::1] [e000::1] [1000::1] [200::1]
    """,
    "documentation": """
        192.0.2.1 198.51.100.7 203.0.113.9 3221225985 [2001:db8::1] [2001:db8:ffff::1] [3fff::1]
        [3fff:fff:ffff::1]
    """,
    "benchmarking and protocol assignments": """
        198.18.0.1 198.19.255.255 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.170 192.88.99.1
        [2001:2::1] [2001:10::1] [2001:20::1] [2001:3::1] [2001:4:112::1] [2001:1::1]
    """,
    "names of this machine": """
        localhost LOCALHOST LocalHost localhost. localhost..
    """,
}


def addresses(port: int) -> list[tuple[str, str]]:
    """Every spelling as a whole address, with the class that it belongs to."""
    return [
        (kind, address(entry, port)) for kind, table in SPELLINGS.items() for entry in table.split()
    ]


def address(entry: str, port: int) -> str:
    """The whole address that an entry of the table stands for."""
    return entry.replace("PORT", str(port)) if "/" in entry else f"http://{entry}:{port}/photo"
