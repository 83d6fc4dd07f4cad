"""What tests of all builders share: the kit of TFDS, and rows as users read."""

import pathlib
import tempfile

import tensorflow_datasets as tfds


class BuilderTestCase(tfds.testing.DatasetBuilderTestCase):
    """The tests of TFDS, on files that a class writes for them."""

    @classmethod
    def write_files(cls, folder: pathlib.Path) -> None:
        """Writes what a `manual_dir` holds."""
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        """Writes the files before the tests of TFDS look for them."""
        cls.EXAMPLE_DIR = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.write_files(pathlib.Path(cls.EXAMPLE_DIR))
        super().setUpClass()

    def test_session(self, *args, **kwargs):
        """Is a helper of TensorFlow's base class."""
        return super().test_session(*args, **kwargs)

    # It is named like a test.
    test_session.__test__ = False


def read_built(folder) -> dict[str, dict[int, dict]]:
    """Returns index and example by split, as a user without our code does."""
    builder = tfds.builder_from_directory(folder)
    return {
        split: {
            int(example["image_index"]): example
            for example in tfds.as_numpy(builder.as_dataset(split=split))
        }
        for split in builder.info.splits
    }
