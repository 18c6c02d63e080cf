from hypothesis import given
from hypothesis import strategies as st

from shared.storage.base import Owner
from shared.storage.s3_mark import Mark

JOB_IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


@given(JOB_IDS, st.integers(1, 10**6), st.sampled_from(["", "5e2b9f0c71d3a846"]), st.booleans())
def test_a_mark_comes_back_from_ascii_metadata_that_fit(
    job_id: str, run: int, token: str, replaced: bool
) -> None:
    mark = Mark(Owner(job_id=job_id, run=run, token=token), "ab" * 32, replaced)
    metadata = mark.metadata()
    assert Mark.read(metadata) == mark
    assert all(value.isascii() and value == value.strip() for value in metadata.values())
    assert sum(len(name) + len(value) for name, value in metadata.items()) < 2048


def test_plain_ids_stay_readable() -> None:
    assert Mark(Owner(job_id="job-1.a", run=1), "", False).metadata()["millrace-job"] == "job-1.a"


def test_mark_from_before_there_were_tokens_is_read() -> None:
    old = {
        "millrace-job": "job",
        "millrace-run": "1",
        "millrace-sha256": "ab" * 32,
        "millrace-replaced": "0",
    }
    assert Mark.read(old) == Mark(Owner(job_id="job", run=1), "ab" * 32, False)
    assert Mark(Owner(job_id="job", run=1), "ab" * 32, False).metadata() == old


def test_others_objects_have_no_mark() -> None:
    assert Mark.read({}) is None
    good = Mark(Owner(job_id="é", run=1), "", False).metadata()
    assert Mark.read({**good, "millrace-job": "=%%%"}) is None
    assert Mark.read({**good, "millrace-run": "x"}) is None
