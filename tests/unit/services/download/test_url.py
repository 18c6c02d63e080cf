import pytest
from yarl import URL

from services.download.url import follow, parse
from shared.errors import SourceForbidden

PORTS = (range(80, 81), range(443, 444), range(8000, 9000))

GOOD = [
    ("https://example.com/photo.jpg", "example.com", 443),
    ("http://example.com", "example.com", 80),
    ("HTTPS://Example.COM/a", "Example.COM", 443),
    ("http://example.com:8080/x", "example.com", 8080),
    ("http://example.com./x", "example.com.", 80),
    ("http://exa_mple.example/", "exa_mple.example", 80),
    ("http://127.0.0.1/", "127.0.0.1", 80),
    ("http://[::1]/", "::1", 80),
    ("http://[2606:4700::1111]:8443/", "2606:4700::1111", 8443),
    ("http://münchen.example/ü", "xn--mnchen-3ya.example", 80),
    ("http://localhost/", "localhost", 80),
    # Letters that IDNA reads as digits: what is dialled is checked, as for any other.
    ("http://①②⑦.0.0.1/", "127.0.0.1", 80),
    ("http://127。0。0。1/", "127.0.0.1", 80),
]

BAD = """
ftp://example.com/x gopher://127.0.0.1/ file:///etc/passwd javascript:alert(1) data:,x
http: http:/ http:// http:///x http://:80/ http:example.com //example.com/x
http://2130706433/ http://017700000001/ http://0x7f000001/ http://0x7f.1/ http://0x7f.0.0.1/
http://0177.0.0.1/ http://0177.0.0.01/ http://127.1/ http://127.0.1/ http://1/ http://0/ http://0x/
http://127.0.0.1./ http://127.0.0.1.../ http://127.0.0.256/ http://127.0.0.1.1/ http://256.1/
http://00127.0.0.1/ http://127.0.0.0x1/ http://1.2.3.4.0x7f/ http://example.0x7f/ http://a.123/
http://[::1%25eth0]/ http://[fe80::1%eth0]/ http://[::1/ http://::1/ http://[]/ http://[127.0.0.1]/
http://[::ffff:127.0.0.1.]/ http://[v1.x]/ http://[1:2:3]/
http://%31%32%37.0.0.1/ http://127%2e0%2e0%2e1/ http://ex%61mple.com/ http://a%00.example/
http://user@example.com/ http://user:secret@example.com/ http://@example.com/ http://:@example.com/
http://example.com@127.0.0.1/ http://127.0.0.1:80@example.com/ http://a@b@example.com/
http://example.com:0/ http://example.com:22/ http://example.com:65536/ http://example.com:-1/
http://example.com:x/ http://example.com:80:80/ http://example.com:8o/ http://example.com:25/
http://a..example/ http://.example.com/ http://-a.example/ http://a-.example/ http://a*b.example/
http://exa,mple.com/ http://exa$mple.com/ http://[::1]x/ http://x[::1]/ http://..../ http://./
"""

BAD_LETTERS = [
    "http://example.com\\@127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http://example.com/a b",
    "http://exam ple.com/",
    " http://example.com/",
    "http://example.com/\r\nHost: 127.0.0.1",
    "http://example.com/\n",
    "http://example.com/\t",
    "http://example.com/\x00",
    "http://example.com/\x7f",
    "http://example.com/\x85",
    "http://example\u200b.com/",
    "http://example.com/\u00a0",
    "http://example.com/\u202e",
    "http://example.com/\udc80",
    "http://" + "a" * 64 + ".example/",
    "http://" + "a." * 130 + "example/",
]


@pytest.mark.parametrize(("text", "host", "port"), GOOD)
def test_plain_addresses_are_read(text: str, host: str, port: int) -> None:
    url = parse(text, PORTS)
    assert (url.raw_host, url.port) == (host, port)


@pytest.mark.parametrize("text", [*BAD.split(), *BAD_LETTERS])
def test_everything_else_is_refused_in_one_sentence_that_names_the_field(text: str) -> None:
    with pytest.raises(SourceForbidden, match=r"^source: [^\n]+$"):
        parse(text, PORTS)


@pytest.mark.parametrize(
    "text",
    [
        "https://bucket.example/a%2Fb%20c?X-Credential=k%2F1&sig=a+b%3D&e=%c3%bc",
        "https://example.com/a/../b//c?x=1;y=[2]#f",
        "https://example.com/100%",
    ],
)
def test_an_ascii_address_stays_exactly_as_it_was_written(text: str) -> None:
    assert str(parse(text, PORTS)) == text


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b?c=%2F", "http://example.com/b?c=%2F"),
        ("b", "http://example.com/a/b"),
        ("../b", "http://example.com/b"),
        ("?q", "http://example.com/a/x?q"),
        ("//other.example/y", "http://other.example/y"),
        ("https://other.example/y", "https://other.example/y"),
        ("/my photo.jpg ", "http://example.com/my%20photo.jpg"),
        ("/ü", "http://example.com/%C3%BC"),
    ],
)
def test_a_redirect_is_followed(location: str, target: str) -> None:
    assert str(follow(URL("http://example.com/a/x"), location, PORTS)) == target


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "data:,x",
        "http://user@example.com/",
        "//user@example.com/",
        "http://2130706433/",
        "//0x7f.1/",
        "http://example.com:22/",
        "/\\127.0.0.1",
        "http://[::1",
        "http://::1:80/",
        "/x\x00",
        "/x\udcff",
    ],
)
def test_a_redirect_to_what_is_no_source_is_refused(location: str) -> None:
    with pytest.raises(SourceForbidden, match=r"^source: "):
        follow(URL("http://example.com/a/x"), location, PORTS)
