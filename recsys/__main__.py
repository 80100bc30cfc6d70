"""The ``recsys`` command; ``python -m recsys`` is the same."""

from recsys.machine import prefer_wide_kernels


def main() -> None:
    """Choose kernels, then load and run the command line."""
    prefer_wide_kernels()
    from recsys.cli import main as run

    run()


if __name__ == "__main__":
    main()
