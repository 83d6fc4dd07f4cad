import numpy as np
from PIL import Image

from tp_keras.generator.drawing.animation import write_animation


def test_an_animation_runs_to_and_fro(tmp_path):
    images = np.zeros((3, 108, 84, 3), np.uint8)
    images += np.array([10, 120, 240], np.uint8)[:, None, None, None]
    write_animation(tmp_path / "a.gif", images)
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.format == "GIF"
        assert animation.size == (3 * 84, 3 * 108)
        assert animation.info["loop"] == 0
        found = []
        for frame in range(animation.n_frames):
            animation.seek(frame)
            assert animation.info["duration"] == 660
            found.append(animation.convert("RGB").getpixel((50, 50))[0])
    np.testing.assert_allclose(found, [10, 120, 240, 120], atol=2)
