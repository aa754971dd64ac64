from services.gateway.rebuilding.code_digest import ROOTS, code_digest, digest_of


def test_it_changes_with_names_and_contents_of_modules(tmp_path):
    (tmp_path / "tests").mkdir()
    seen = set()

    def is_new():
        found = digest_of([tmp_path])
        known = found in seen
        seen.add(found)
        return not known

    assert is_new()
    (tmp_path / "a.py").write_text("x = 1\n")
    assert is_new()
    (tmp_path / "a.py").write_text("x = 2\n")
    assert is_new()
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert is_new()
    (tmp_path / "tests" / "test_a.py").write_text("x = 3\n")
    (tmp_path / "a.txt").write_text("x = 4\n")
    assert not is_new()


def test_folds_and_migrations_are_in_it():
    found = {path.relative_to(root.parent) for root in ROOTS for path in root.rglob("*.py")}
    names = {str(path) for path in found}
    assert {"gateway/audio/projection.py", "common/database/upsert.py"} <= names
    assert "gateway/migrations/versions/0002_read_models.py" in names
    assert code_digest() == digest_of(ROOTS)
