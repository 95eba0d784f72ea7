"""What the commands of ``tokenatlas`` do, one module each; ``orchestration/cli.py`` declares them."""
