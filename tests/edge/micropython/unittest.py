"""The part of `unittest` that the edge tests use, for MicroPython, which has none. Seeded order, true exit codes."""

import sys


class SkipTest(Exception):
    pass


class _Raises:
    def __init__(self, expected):
        self.expected = expected
        self.exception = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            raise AssertionError("%r was not raised" % (self.expected,))
        if isinstance(error, self.expected):
            self.exception = error
            return True
        return False


class _SubTest:
    def __init__(self, what):
        self.what = what

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and not isinstance(error, SkipTest):
            print("  in sub-test", self.what)
        return False


def _check(ok, message, extra):
    if not ok:
        raise AssertionError(message if extra is None else "%s: %s" % (extra, message))


class TestCase:
    def setUp(self):
        pass

    def tearDown(self):
        pass

    def fail(self, msg=None):
        raise AssertionError(msg or "failed")

    def skipTest(self, reason):
        raise SkipTest(reason)

    def subTest(self, msg=None, **params):
        return _SubTest((msg, params))

    def assertEqual(self, a, b, msg=None):
        _check(a == b, "%r != %r" % (a, b), msg)

    def assertNotEqual(self, a, b, msg=None):
        _check(a != b, "%r == %r" % (a, b), msg)

    def assertTrue(self, x, msg=None):
        _check(x, "%r is not true" % (x,), msg)

    def assertFalse(self, x, msg=None):
        _check(not x, "%r is not false" % (x,), msg)

    def assertIs(self, a, b, msg=None):
        _check(a is b, "%r is not %r" % (a, b), msg)

    def assertIsNone(self, x, msg=None):
        _check(x is None, "%r is not None" % (x,), msg)

    def assertIsNotNone(self, x, msg=None):
        _check(x is not None, "is None", msg)

    def assertIn(self, a, b, msg=None):
        _check(a in b, "%r not in %r" % (a, b), msg)

    def assertNotIn(self, a, b, msg=None):
        _check(a not in b, "%r in %r" % (a, b), msg)

    def assertIsInstance(self, a, b, msg=None):
        _check(isinstance(a, b), "%r is not a %r" % (a, b), msg)

    def assertLess(self, a, b, msg=None):
        _check(a < b, "%r >= %r" % (a, b), msg)

    def assertLessEqual(self, a, b, msg=None):
        _check(a <= b, "%r > %r" % (a, b), msg)

    def assertGreater(self, a, b, msg=None):
        _check(a > b, "%r <= %r" % (a, b), msg)

    def assertGreaterEqual(self, a, b, msg=None):
        _check(a >= b, "%r < %r" % (a, b), msg)

    def assertAlmostEqual(self, a, b, places=7, msg=None, delta=None):
        limit = delta if delta is not None else 0.5 * 10**-places
        _check(abs(a - b) <= limit, "%r is not close to %r" % (a, b), msg)

    def assertRaises(self, expected, call=None, *args, **kwargs):
        context = _Raises(expected)
        if call is None:
            return context
        with context:
            call(*args, **kwargs)
        return None


def skip(reason):
    def mark(_):
        def skipped(self):
            raise SkipTest(reason)

        return skipped

    return mark


def skipIf(condition, reason):
    return skip(reason) if condition else lambda x: x


def skipUnless(condition, reason):
    return skipIf(not condition, reason)


def run(module):
    """Run every TestCase of a module; return (passed, failed, skipped)."""
    passed = failed = skipped = 0
    for name in sorted(dir(module)):
        case = getattr(module, name)
        if not isinstance(case, type) or not issubclass(case, TestCase) or case is TestCase:
            continue
        for method in sorted(dir(case)):
            if not method.startswith("test"):
                continue
            test = case()
            try:
                test.setUp()
                try:
                    getattr(test, method)()
                finally:
                    test.tearDown()
                passed += 1
            except SkipTest as reason:
                skipped += 1
                print("skipped %s.%s: %s" % (name, method, reason))
            except Exception as error:
                failed += 1
                print("FAILED %s.%s" % (name, method))
                sys.print_exception(error)
    return passed, failed, skipped


def main(module="__main__"):
    passed, failed, skipped = run(sys.modules[module])
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    sys.exit(1 if failed or not passed else 0)
