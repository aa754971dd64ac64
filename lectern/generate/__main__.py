"""``python -m lectern.generate``: writes every generated file, or checks that it is fresh."""

import sys

from lectern.generate.generated import main

sys.exit(main())
