"""What only development needs: generated files, and the checks that they are made by."""
