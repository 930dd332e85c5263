"""Writing strings from latent vectors: by sampling, and by beam search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ildb.generate.network import VaeNetwork
from ildb.generate.tokens import TokenIds, Vocabulary

State = TypeVar("State")
Charges = npt.NDArray[np.int64]


class Mask(Protocol[State]):
    """Which tokens may come next in each string of a batch; built for one `Vocabulary`."""

    def start(self, n: int, charges: Charges, max_length: int) -> State:
        """State of `n` empty strings.

        Args:
            n: number of strings.
            charges: net charge that each must end with, in e, shape (n,).
            max_length: tokens a string may have, without `Vocabulary.eos_id`; the mask sees to it that it can end.
        """
        ...

    def allowed(self, state: State) -> npt.NDArray[np.bool_]:
        """Tokens that may come next, shape (n, len(vocabulary)); at least one in every row, never pad or bos."""
        ...

    def advance(self, state: State, token_ids: TokenIds) -> None:
        """Append one token to each string, in place; `token_ids` has shape (n,) and never holds eos."""
        ...

    def take(self, state: State, rows: npt.NDArray[np.int64]) -> State:
        """State of some of the strings, in that order; a row may occur twice.

        The decoder drops strings that have ended this way before it calls `advance`, and reorders beams.
        """
        ...


@dataclass(frozen=True, eq=False)
class Written:
    """Token ids of each string without specials, whether it ended by itself, and the log probability of its tokens."""

    ids: list[TokenIds]
    finished: npt.NDArray[np.bool_]
    log_probability: npt.NDArray[np.float64]


class Writer:
    """The decoder of a network, one step at a time.

    What a token and what z add to the gates of the first layer are summed up beforehand, so that a step costs the
    recurrent products only.

    Args:
        network: in evaluation mode.
        vocabulary: its tokens.
    """

    def __init__(self, network: VaeNetwork, vocabulary: Vocabulary) -> None:
        self.network, self.vocabulary = network, vocabulary
        self._width = network.params.embedding
        self.device = network.output.weight.device
        with torch.inference_mode():
            weight = self._tensor("weight_ih_l0")
            self._of_token = network.embed.weight @ weight[:, : self._width].T
            self._of_known = weight[:, self._width :].T.contiguous()
        never = torch.zeros(len(vocabulary), dtype=torch.bool, device=self.device)
        never[[vocabulary.pad_id, vocabulary.bos_id]] = True
        self._never = never

    def start(self, z: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """First states, shape (layers, n, hidden), and what z adds to the gates at every step, shape (n, 3 hidden)."""
        known = self.network.known(z, conditions)
        return self.network.first_states(known), known @ self._of_known + self._tensor("bias_ih_l0")

    def step(self, tokens: Tensor, states: Tensor, constant: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the next token, shape (n, tokens), specials impossible, and the states after this one."""
        gru = self.network.decoder
        inputs = self._of_token[tokens] + constant
        after: list[Tensor] = []
        for layer in range(gru.num_layers):
            if layer:
                weights, bias = self._tensor(f"weight_ih_l{layer}"), self._tensor(f"bias_ih_l{layer}")
                inputs = functional.linear(after[-1], weights, bias)
            heard = functional.linear(
                states[layer], self._tensor(f"weight_hh_l{layer}"), self._tensor(f"bias_hh_l{layer}")
            )
            width = gru.hidden_size
            gates = (inputs[:, : 2 * width] + heard[:, : 2 * width]).sigmoid_()
            fresh = torch.addcmul(inputs[:, 2 * width :], gates[:, :width], heard[:, 2 * width :]).tanh_()
            after.append(torch.lerp(fresh, states[layer], gates[:, width:]))
        logits = self.network.output(after[-1]).masked_fill_(self._never, -torch.inf)
        return logits, torch.stack(after)

    def _tensor(self, name: str) -> Tensor:
        return self.network.decoder.get_parameter(name)


@torch.inference_mode()
def sample(
    writer: Writer,
    z: Tensor,
    conditions: Tensor,
    charges: Charges,
    mask: Mask[Any] | None,
    temperature: float,
    seed: int,
    max_length: int,
) -> Written:
    """Draw one string for each row of z; strings that have ended leave the batch.

    Args:
        writer: the decoder.
        z: shape (n, latent).
        conditions: row of each charge, shape (n,).
        charges: the charges, shape (n,).
        mask: restricts the tokens.
        temperature: divides the logits; 0 takes the most probable token.
        seed: of the draws.
        max_length: tokens of the longest string.
    """
    n, vocabulary = len(z), writer.vocabulary
    generator = torch.Generator(device=writer.device).manual_seed(seed)
    states, constant = writer.start(z, conditions)
    masked = None if mask is None else mask.start(n, charges, max_length)
    rows = np.arange(n)
    tokens = torch.full((n,), vocabulary.bos_id, device=writer.device)
    written = np.zeros((n, max_length), dtype=np.int64)
    finished, total = np.zeros(n, dtype=np.bool_), np.zeros(n)
    for place in range(max_length + 1):
        logits, states = writer.step(tokens, states, constant)
        if mask is not None:
            allowed = torch.from_numpy(mask.allowed(masked)).to(writer.device)
            logits = logits.masked_fill(~allowed, -torch.inf)
        log_p = torch.log_softmax(logits, dim=1)
        if temperature > 0:
            noise = torch.empty_like(logits).exponential_(generator=generator).log_()
            tokens = (logits / temperature - noise).argmax(1)
        else:
            tokens = logits.argmax(1)
        total[rows] += log_p.gather(1, tokens[:, None])[:, 0].double().cpu().numpy()
        chosen = tokens.cpu().numpy()
        going = chosen != vocabulary.eos_id
        finished[rows[~going]] = True
        if place == max_length or not going.any():
            break
        if not going.all():
            kept = np.flatnonzero(going)
            at = torch.from_numpy(kept).to(writer.device)
            rows, chosen = rows[kept], chosen[kept]
            tokens, states, constant = tokens[at], states[:, at], constant[at]
            if mask is not None:
                masked = mask.take(masked, kept)
        written[rows, place] = chosen
        if mask is not None:
            mask.advance(masked, chosen)
    lengths = (written != vocabulary.pad_id).sum(1)
    return Written([row[:length] for row, length in zip(written, lengths, strict=True)], finished, total)


@torch.inference_mode()
def beam_search(
    writer: Writer,
    z: Tensor,
    conditions: Tensor,
    charges: Charges,
    mask: Mask[Any] | None,
    beams: int,
    max_length: int,
) -> list[list[tuple[float, TokenIds]]]:
    """The most probable strings found for each row of z, best first.

    A row is done when it has as many ended strings as beams and no open one is more probable than the last of them.

    Args:
        writer: the decoder.
        z: shape (n, latent).
        conditions: row of each charge, shape (n,).
        charges: the charges, shape (n,).
        mask: restricts the tokens.
        beams: open strings kept of each row.
        max_length: tokens of the longest string.

    Returns:
        For each row at most `beams` pairs of log probability and token ids; a row without an ended string has its best
        open one.
    """
    n, vocabulary = len(z), writer.vocabulary
    states, constant = writer.start(z, conditions)
    masked = None if mask is None else mask.start(n, charges, max_length)
    row_of = np.arange(n)  # which z each open string belongs to
    scores = np.zeros(n)
    history = np.zeros((n, 0), dtype=np.int64)
    tokens = torch.full((n,), vocabulary.bos_id, device=writer.device)
    ended: list[list[tuple[float, TokenIds]]] = [[] for _ in range(n)]
    for _ in range(max_length + 1):
        logits, states = writer.step(tokens, states, constant)
        if mask is not None:
            allowed = torch.from_numpy(mask.allowed(masked)).to(writer.device)
            logits = logits.masked_fill(~allowed, -torch.inf)
        best = torch.log_softmax(logits, dim=1).topk(min(beams, logits.shape[1]), dim=1)
        gains, choices = best.values.double().cpu().numpy(), best.indices.cpu().numpy()
        candidates = (scores[:, None] + gains).ravel()
        owner = np.repeat(row_of, gains.shape[1])
        order = np.lexsort((-candidates, owner))
        first = np.searchsorted(owner[order], np.arange(n + 1))
        picked: list[int] = []
        for row in range(n):
            own = order[first[row] : first[row + 1]]
            n_open = 0
            for candidate in own[: 2 * beams]:
                score = candidates[candidate]
                if not np.isfinite(score) or n_open == beams:
                    break
                source, choice = divmod(int(candidate), gains.shape[1])
                if choices[source, choice] == vocabulary.eos_id:
                    ended[row].append((float(score), history[source]))
                else:
                    picked.append(int(candidate))
                    n_open += 1
            ended[row] = sorted(ended[row], key=lambda one: -one[0])[:beams]
            if len(ended[row]) == beams and n_open and candidates[picked[-n_open]] <= ended[row][-1][0]:
                del picked[-n_open:]
        if not picked or history.shape[1] == max_length:
            break
        source, choice = np.divmod(np.array(picked), gains.shape[1])
        token_ids = choices[source, choice]
        row_of, scores = row_of[source], candidates[picked]
        history = np.concatenate([history[source], token_ids[:, None]], axis=1)
        at = torch.from_numpy(source).to(writer.device)
        tokens, states, constant = torch.from_numpy(token_ids).to(writer.device), states[:, at], constant[at]
        if mask is not None:
            masked = mask.take(masked, source)
            mask.advance(masked, token_ids)
    for row in {int(row) for row in row_of}:
        if not ended[row]:
            open_ones = np.flatnonzero(row_of == row)
            best_open = open_ones[np.argmax(scores[open_ones])]
            ended[row] = [(float(scores[best_open]), history[best_open])]
    return ended
