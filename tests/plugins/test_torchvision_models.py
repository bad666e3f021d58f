"""torchvision's models as backbones: features, published sizes, and weights from local files."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.algorithm import TaskSpec
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.extras import import_extra
from bench.pool import EpisodeStream
from bench.registry import Registry

SMALL = "shufflenet_v2_x0_5"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as everywhere


@pytest.fixture(scope="module")
def models() -> Any:
    return import_extra("torchvision.models")


def read_by_last_layer(network: nn.Module, layer: nn.Module, images: Tensor) -> Tensor:
    """Returns what the last layer of a whole model is given."""
    seen: list[Tensor] = []
    layer.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    with torch.no_grad():
        network.eval()(images)
    return seen[0]


def test_the_features_of_resnet18_are_what_its_last_layer_reads(
    registry: Registry, models: Any
) -> None:
    torch.manual_seed(0)
    ours = registry.backbone("resnet18").build((1, 28, 28)).eval()
    whole = models.resnet18()
    missing, unexpected = whole.load_state_dict(
        ours.get_submodule("model").state_dict(), strict=False
    )
    assert (sorted(missing), unexpected) == (["fc.bias", "fc.weight"], [])
    grey = torch.rand(3, 1, 28, 28)
    colour = torch.cat([grey, grey, grey], dim=1)
    torch.testing.assert_close(ours(grey), read_by_last_layer(whole, whole.fc, colour))


def test_resnet18_has_the_published_parameters_but_for_the_last_layer(registry: Registry) -> None:
    with torch.device("meta"):
        network = registry.backbone("resnet18").build((3, 84, 84))
    assert sum(p.numel() for p in network.parameters()) == 11_689_512 - (512 * 1000 + 1000)


@pytest.mark.parametrize(
    ("name", "side", "features"),
    [
        ("alexnet", 63, 4096),
        ("convnext_tiny", 32, 768),
        ("densenet121", 29, 1024),
        ("efficientnet_b0", 28, 1280),
        ("googlenet", 28, 1024),
        ("inception_v3", 75, 2048),
        ("maxvit_t", 224, 512),
        ("mnasnet0_5", 28, 1280),
        ("mobilenet_v2", 28, 1280),
        ("mobilenet_v3_small", 28, 1024),
        ("resnet50", 28, 2048),
        ("resnext50_32x4d", 28, 2048),
        (SMALL, 28, 1024),
        ("squeezenet1_1", 28, 512),
        ("swin_t", 28, 768),
        ("swin_v2_t", 28, 768),
        ("vgg11_bn", 32, 4096),
        ("vit_b_32", 224, 768),
        ("wide_resnet50_2", 84, 2048),
    ],
)
def test_a_model_of_any_kind_gives_its_published_number_of_features(
    name: str, side: int, features: int, registry: Registry
) -> None:
    with torch.device("meta"):
        network = registry.backbone(f"torchvision:{name}").build((3, side, side))
        assert network.train()(torch.zeros(2, 3, side, side)).shape == (2, features)
    assert network.out_features == features


@pytest.mark.parametrize(
    ("name", "shape", "wish"),
    [
        ("alexnet", (1, 28, 28), "at least 63x63"),
        ("alexnet", (3, 62, 84), "at least 63x63"),
        ("inception_v3", (3, 74, 74), "at least 75x75"),
        ("vit_b_16", (3, 84, 84), "exactly 224x224"),
        ("vit_b_16", (3, 256, 256), "exactly 224x224"),
    ],
)
def test_images_of_another_size_than_a_model_reads_are_refused_with_that_size(
    name: str, shape: tuple[int, ...], wish: str, registry: Registry
) -> None:
    with (
        torch.device("meta"),
        pytest.raises(BenchError, match=rf"{name} cannot read .*{wish} pixels.*--backbone"),
    ):
        registry.backbone(f"torchvision:{name}").build(shape)


def test_images_of_two_channels_are_refused(registry: Registry) -> None:
    with pytest.raises(BenchError, match=r"1 or 3 channels, .*\(2, 28, 28\)"):
        registry.backbone("resnet18").build((2, 28, 28))


@pytest.mark.parametrize("norm", ["running", "batch"])
def test_only_statistics_of_the_batch_let_images_depend_on_each_other(
    norm: Any, registry: Registry
) -> None:
    torch.manual_seed(0)
    network = registry.backbone(f"torchvision:{SMALL}").build((1, 28, 28), norm).train()
    network(torch.rand(8, 1, 28, 28))
    network.eval()
    inputs = torch.rand(6, 1, 28, 28)
    alone = torch.allclose(network(inputs)[:3], network(inputs[:3]), atol=1e-5)
    assert alone == (norm == "running")
    assert network.shares_statistics == (norm == "batch")


def test_embedding_each_image_once_gives_the_numbers_of_the_plain_path(
    registry: Registry, make_stream: Callable[..., EpisodeStream]
) -> None:
    torch.manual_seed(0)
    stream = make_stream(classes=6, each=6, side=12)
    spec = TaskSpec((1, 12, 12), 3, 2, registry.backbone("resnet18"))
    learner = registry.algorithm("protonet")(spec)
    optimizer = learner.optimizer()
    learner.train()
    learner.train_step(stream.episodes(1000, 1), optimizer)
    fast = evaluate(learner, stream, 12, seed=0)
    plain = evaluate(learner, stream, 12, seed=0, plain=True)
    np.testing.assert_array_equal(fast.correct, plain.correct)
    np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("resnet1", "no model 'resnet1'; did you mean 'resnet18'"),
        ("ResNet50", "no model 'ResNet50'; did you mean 'resnet50'"),
        ("", r"no model ''; \d+ others are known .bench info torchvision lists them"),
        ("resnet50@IMAGENET_V1", "resnet50 has no weights 'IMAGENET_V1'; did you mean 'IMAGENET1K"),
        ("resnet50@", "resnet50 has no weights ''; known: DEFAULT, IMAGENET1K_V1, IMAGENET1K_V2"),
    ],
)
def test_an_unknown_model_or_unknown_weights_are_told_the_nearest(
    name: str, complaint: str, registry: Registry
) -> None:
    with pytest.raises(BenchError, match=complaint):
        registry.backbone(f"torchvision:{name}")


def test_torchvision_is_not_imported_before_someone_wants_a_model_of_it() -> None:
    code = (
        "import sys; from bench.registry import load_registry; "
        "found = load_registry().backbone('resnet18'); sys.exit('torchvision' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of torchvision's weights, without a network."""

    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("nobody may download here")

    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def save_weights(folder: Path, models: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Saves a new model's weights, and has torchvision expect just these; returns the model."""
    torch.manual_seed(7)
    whole = models.get_model(SMALL)
    whole.train()(torch.rand(4, 3, 32, 32))  # so that running statistics are not those of the start
    torch.save(whole.state_dict(), folder / "new.pth")
    digest = hashlib.sha256((folder / "new.pth").read_bytes()).hexdigest()
    (folder / "new.pth").rename(folder / f"{SMALL}-{digest[:8]}.pth")
    expected = models.get_model_weights(SMALL).DEFAULT.value
    monkeypatch.setattr(expected, "url", f"https://example.org/{SMALL}-{digest[:8]}.pth")
    return whole


def test_weights_at_hand_are_loaded_and_see_images_normalised_as_imagenet_was(
    weights_folder: Path, registry: Registry, models: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = save_weights(weights_folder, models, monkeypatch)
    backbone = registry.backbone(f"torchvision:{SMALL}@DEFAULT")
    assert backbone.name == f"torchvision:{SMALL}@IMAGENET1K_V1"
    grey = torch.rand(2, 1, 40, 40)
    channels = [(grey - mean) / std for mean, std in zip(MEAN, STD, strict=True)]
    expected = read_by_last_layer(whole, whole.fc, torch.cat(channels, dim=1))
    network = backbone.build((1, 40, 40)).eval()
    torch.testing.assert_close(network(grey), expected)


def test_weights_can_have_statistics_of_the_batch(
    weights_folder: Path, registry: Registry, models: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = save_weights(weights_folder, models, monkeypatch)
    network = registry.backbone(f"torchvision:{SMALL}@DEFAULT").build((3, 40, 40), "batch")
    assert network.shares_statistics
    own = dict(network.named_parameters())
    for name, parameter in whole.named_parameters():
        if not name.startswith("fc."):
            assert torch.equal(parameter, own[f"model.{name}"])


def test_absent_weights_are_an_error_that_says_what_to_save_where(
    weights_folder: Path, registry: Registry
) -> None:
    backbone = registry.backbone("torchvision:resnet18@DEFAULT")
    with pytest.raises(BenchError) as caught:
        backbone.build((1, 28, 28))
    assert "https://download.pytorch.org/models/resnet18-f37072fd.pth" in str(caught.value)
    assert str(weights_folder / "resnet18-f37072fd.pth") in str(caught.value)
    assert "TORCH_HOME" in str(caught.value)


def test_a_damaged_file_of_weights_is_never_loaded(
    weights_folder: Path, registry: Registry
) -> None:
    file = weights_folder / "resnet18-f37072fd.pth"
    file.write_bytes(b"half of it")
    digest = hashlib.sha256(b"half of it").hexdigest()
    with pytest.raises(BenchError, match=f"damaged: its sha256 starts with {digest[:8]}, not f370"):
        registry.backbone("torchvision:resnet18@DEFAULT").build((1, 28, 28))
