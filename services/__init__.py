"""The four stages of a job: download, process, upload, cleanup."""
