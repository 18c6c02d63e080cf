"""Jobs of one id whose objects lie in one storage: each run keeps, and takes back, its own alone."""

from pathlib import Path

from tests.flow import flow


async def test_job_of_another_lane_leaves_a_completed_ones_objects_alone(tmp_path: Path) -> None:
    async with flow(tmp_path / "one") as one, flow(tmp_path / "two", storage=one.storage) as two:
        await one.submit("7")
        assert (await one.end_of("7"))["outcome"] == "completed"
        stored = await one.keys()
        await two.submit("7")
        end = await two.end_of("7")
        assert (end["outcome"], end["error"]["error"]) == ("failed", "ObjectExists")
        assert await one.keys() == stored


async def test_second_life_of_an_id_leaves_the_firsts_objects_alone(tmp_path: Path) -> None:
    async with flow(tmp_path / "root") as one:
        await one.submit("7")
        assert (await one.end_of("7"))["outcome"] == "completed"
        stored = await one.keys()
        await one.quiet()
        one.events.clear()
        (tmp_path / "root" / "closed" / "7.1.json").unlink()  # as the sweep does, days later
        await one.submit("7")
        end = await one.end_of("7")
        assert (end["outcome"], end["error"]["error"]) == ("failed", "ObjectExists")
        assert await one.keys() == stored
