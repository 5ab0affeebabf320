# SPDX-License-Identifier: CC0-1.0
"""Tokenizers and the two small text encoders of the demo model.

Both encoders are first trained, on their own, to name the edits that an
instruction asks for; the transformer then learns on top of them.

    python text.py --out text --steps 1500
writes text/{tokenizer,tokenizer_2,text_encoder,text_encoder_2}.
"""
import argparse
import collections
import json
import os
import re
import time

import numpy as np
import sentencepiece as spm
import torch
import torch.nn as nn
import torch.nn.functional as F
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel, T5TokenizerFast

import data

WIDTH = 128
MAX_T5 = 64
NAMES = [n for n in data.EDITS]


def bytes_to_unicode():
    bs = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    cs, n = bs[:], 0
    for b in range(256):
        if b not in bs:
            bs.append(b)
            cs.append(256 + n)
            n += 1
    return dict(zip(bs, map(chr, cs)))


def train_clip_bpe(lines, merges_wanted, out):
    """Plain BPE with CLIP's lower-casing, word pattern and </w> suffix."""
    b2u = bytes_to_unicode()
    pat = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+")
    freq = collections.Counter(w for l in lines for w in pat.findall(l.lower()))
    words = {w: [b2u[b] for b in w.encode()] for w in freq}
    for w in words:
        words[w][-1] += "</w>"
    merges = []
    while len(merges) < merges_wanted:
        pairs = collections.Counter()
        for w, s in words.items():
            for p in zip(s, s[1:]):
                pairs[p] += freq[w]
        if not pairs:
            break
        best = max(pairs.items(), key=lambda kv: (kv[1], kv[0]))[0]
        merges.append(best)
        for w, s in words.items():
            i, o = 0, []
            while i < len(s):
                if i + 1 < len(s) and (s[i], s[i + 1]) == best:
                    o.append(s[i] + s[i + 1])
                    i += 2
                else:
                    o.append(s[i])
                    i += 1
            words[w] = o
    units = list(b2u.values())
    vocab = units + [u + "</w>" for u in units] + ["".join(m) for m in merges]
    vocab = list(dict.fromkeys(vocab)) + ["<|startoftext|>", "<|endoftext|>"]
    os.makedirs(out, exist_ok=True)
    json.dump({t: i for i, t in enumerate(vocab)}, open(f"{out}/vocab.json", "w"), ensure_ascii=False)
    with open(f"{out}/merges.txt", "w") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    special = lambda c, norm: {"__type": "AddedToken", "content": c, "lstrip": False, "normalized": norm,
                               "rstrip": False, "single_word": False}
    json.dump({"add_prefix_space": False, "bos_token": special("<|startoftext|>", True),
               "eos_token": special("<|endoftext|>", True), "unk_token": special("<|endoftext|>", True),
               "pad_token": "<|endoftext|>", "do_lower_case": True, "errors": "replace",
               "model_max_length": 77, "clean_up_tokenization_spaces": True,
               "tokenizer_class": "CLIPTokenizer"}, open(f"{out}/tokenizer_config.json", "w"), indent=2)
    json.dump({"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
               "pad_token": "<|endoftext|>"}, open(f"{out}/special_tokens_map.json", "w"), indent=2)
    return len(vocab)


def train_t5_spm(lines, size, out):
    os.makedirs(out, exist_ok=True)
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=f"{out}/spiece", vocab_size=size, model_type="unigram",
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>", eos_piece="</s>", unk_piece="<unk>",
        character_coverage=1.0, hard_vocab_limit=False, num_threads=1, minloglevel=2,
        required_chars="".join(chr(c) for c in range(33, 127)))
    os.remove(f"{out}/spiece.vocab")
    # tokenizer.json: the same unigram pieces for the fast tokenizer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, decoders, processors
    sp = spm.SentencePieceProcessor(model_file=f"{out}/spiece.model")
    vocab = [(sp.id_to_piece(i), sp.get_score(i)) for i in range(sp.get_piece_size())]
    tok = Tokenizer(models.Unigram(vocab, unk_id=2, byte_fallback=False))
    from sentencepiece import sentencepiece_model_pb2 as pb
    m = pb.ModelProto()
    m.ParseFromString(open(f"{out}/spiece.model", "rb").read())
    tok.normalizer = normalizers.Precompiled(m.normalizer_spec.precompiled_charsmap)
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(),
                                                 pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")])
    tok.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tok.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>",
                                                       special_tokens=[("</s>", 1)])
    tok.save(f"{out}/tokenizer.json")
    json.dump({"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "extra_ids": 0,
               "additional_special_tokens": [], "model_max_length": MAX_T5, "clean_up_tokenization_spaces": True,
               "tokenizer_class": "T5Tokenizer"}, open(f"{out}/tokenizer_config.json", "w"), indent=2)
    json.dump({"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"},
              open(f"{out}/special_tokens_map.json", "w"), indent=2)
    return sp.get_piece_size()


def load_tokenizers(root):
    return (CLIPTokenizer.from_pretrained(f"{root}/tokenizer"),
            T5TokenizerFast.from_pretrained(f"{root}/tokenizer_2"))


def make_encoders(clip_vocab, t5_vocab):
    torch.manual_seed(0)
    clip = CLIPTextModel(CLIPTextConfig(
        vocab_size=clip_vocab, hidden_size=WIDTH, intermediate_size=2 * WIDTH, projection_dim=WIDTH,
        num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=77, hidden_act="quick_gelu",
        bos_token_id=clip_vocab - 2, eos_token_id=clip_vocab - 1, pad_token_id=clip_vocab - 1))
    t5 = T5EncoderModel(T5Config(
        vocab_size=t5_vocab, d_model=WIDTH, d_kv=32, d_ff=2 * WIDTH, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu", tie_word_embeddings=False, is_encoder_decoder=False, use_cache=False,
        pad_token_id=0, eos_token_id=1, dropout_rate=0.0))
    return clip, t5


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", default="text")
    ap.add_argument("--steps", type=int, default=1500)
    ap.add_argument("--threads", type=int, default=1)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    lines = data.corpus(12000)
    cv = train_clip_bpe(lines, 700, f"{a.out}/tokenizer")
    tv = train_t5_spm(lines, 900, f"{a.out}/tokenizer_2")
    tc, tt = load_tokenizers(a.out)
    L = [len(x) for x in tt(lines[:4000]).input_ids]
    print("clip vocab", cv, len(tc), "t5 vocab", tv, len(tt), "t5 tokens max/mean", max(L), np.mean(L),
          "clip max", max(len(x) for x in tc(lines[:4000]).input_ids), flush=True)
    print(tc.tokenize(lines[0]), tt.tokenize(lines[0]))
    clip, t5 = make_encoders(cv, tv)
    head = nn.Linear(WIDTH, len(NAMES))
    head2 = nn.Linear(WIDTH, len(NAMES))
    opt = torch.optim.AdamW([*clip.parameters(), *t5.parameters(), *head.parameters(), *head2.parameters()],
                            lr=2e-3, weight_decay=.01)
    rng = np.random.default_rng(4)
    bank = [(n, data.instruction(rng, n)) for n in (data.random_edit(rng, .3) for _ in range(12000))]
    t0 = time.time()
    for step in range(a.steps):
        for g in opt.param_groups:
            g["lr"] = 2e-3 * min(1, step / 50) * (1 - step / a.steps) + 1e-5
        names, txt = zip(*[bank[i] for i in rng.integers(len(bank), size=48)])
        txt = list(txt)
        y = torch.zeros(len(txt), len(NAMES))
        for i, n in enumerate(names):
            for k in n:
                y[i, NAMES.index(k)] = 1
        ci = tc(txt, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        ci = ci[:, :int((ci != cv - 1).sum(1).max()) + 1]        # causal: later pads change nothing
        n = int(rng.choice([32, 32, 64]))
        ti = tt(txt, padding="max_length", max_length=n, truncation=True, return_tensors="pt").input_ids
        p = clip(ci).pooler_output
        e = t5(ti)[0]
        # every token of the sequence should know the edit; the pads too
        l1 = F.binary_cross_entropy_with_logits(head(p), y)
        lo = head2(e)
        l2 = F.binary_cross_entropy_with_logits(lo.mean(1), y) + \
            .5 * F.binary_cross_entropy_with_logits(lo, y[:, None].expand_as(lo))
        # unit-size outputs suit the transformer
        l3 = (p.pow(2).mean() - 1).pow(2) * .01
        opt.zero_grad()
        (l1 * 10 + l2 * 10 + l3).backward()
        opt.step()
        if step % 50 == 49:
            acc = ((head(p) > 0).float() == y).all(1).float().mean(), ((lo.mean(1) > 0).float() == y).all(1).float().mean()
            print(f"{time.time() - t0:5.0f}s {step + 1} clip {l1.item():.4f} t5 {l2.item():.4f} exact "
                  f"{float(acc[0]):.2f} {float(acc[1]):.2f} pooled rms {p.detach().pow(2).mean().sqrt().item():.2f} "
                  f"t5 rms {e.detach().pow(2).mean().sqrt().item():.2f}", flush=True)
    clip.save_pretrained(f"{a.out}/text_encoder")
    t5.save_pretrained(f"{a.out}/text_encoder_2")


if __name__ == "__main__":
    main()
