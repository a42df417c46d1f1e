/* The words of the report and of the page in other languages than English. X(en, ja): the
 * English text as the code has it, and formats with the same conversions in the same
 * order. What is not here stays English. */
#ifndef REPORT_PHRASES_LIST_H
#define REPORT_PHRASES_LIST_H

#include "report/phrases_numbers.h"
#include "report/phrases_sentences.h"

/* Headings and titles. */
#define PHRASES_TITLES(X)                                                             \
    X("The answer", "結論")                                                           \
    X("The answer, continued", "結論(続き)")                                          \
    X("Verdicts", "判定")                                                             \
    X("Charts", "図")                                                                 \
    X("Environment", "環境")                                                          \
    X("Machines", "マシン")                                                           \
    X("Warnings", "警告")                                                             \
    X("Left out", "除外したもの")                                                     \
    X("All rows", "すべての行")                                                       \
    X("Sections", "目次")                                                             \
    X("Machine against machine", "マシンどうしの比較")                                \
    X("Cost of a token, machine against machine", "トークン単価、マシンどうしの比較") \
    X("Prefix caching ON against OFF, as ratios",                                     \
      "プレフィックスキャッシュ ON と OFF の比")                                      \
    X("Prefix caching ON against OFF", "プレフィックスキャッシュ ON と OFF")          \
    X("Throughput against time to first token", "スループットと TTFT")                \
    X("Throughput against time per output token", "スループットと TPOT")              \
    X("Time to first token, all requests", "TTFT の分布(全リクエスト)")               \
    X("Time between tokens, all gaps", "トークン間隔の分布(全間隔)")                  \
    X("Time of a whole answer, all requests", "応答時間の分布(全リクエスト)")         \
    X("Timeline: output throughput", "時系列: 出力スループット")                      \
    X("Timeline: use of the KV cache", "時系列: KV キャッシュの使用率")               \
    X("Timeline: requests in flight", "時系列: 処理中のリクエスト")                   \
    X("Output throughput", "出力スループット")                                        \
    X("Time to first token (TTFT)", "最初のトークンまでの時間(TTFT)")                 \
    X("Time per output token (TPOT, mean of each request)",                           \
      "出力トークンあたりの時間(TPOT、リクエストごとの平均)")                         \
    X("Cost of a million output tokens", "出力 100 万トークンの費用")                 \
    X("Throughput by batch size", "バッチサイズとスループット")                       \
    X("Throughput by concurrency", "同時実行数とスループット")                        \
    X("Throughput by batch size or concurrency",                                      \
      "バッチサイズまたは同時実行数とスループット")                                   \
    X("Where prefix caching pays: output throughput",                                 \
      "プレフィックスキャッシュが効くところ: 出力スループット")

/* Axes, heads of columns, and words in charts. */
#define PHRASES_WORDS(X)                                                              \
    X("output tokens/s", "出力トークン/秒")                                           \
    X("USD per million tokens", "100 万トークンあたりの USD")                         \
    X("TTFT, ms", "TTFT、ミリ秒")                                                     \
    X("TPOT, ms", "TPOT、ミリ秒")                                                     \
    X("mean TTFT, ms", "平均 TTFT、ミリ秒")                                           \
    X("mean TPOT, ms", "平均 TPOT、ミリ秒")                                           \
    X("gap between tokens (ITL), ms", "トークン間隔(ITL)、ミリ秒")                    \
    X("whole answer (E2E), ms", "応答全体(E2E)、ミリ秒")                              \
    X("share of requests, %", "リクエストの割合、%")                                  \
    X("share of gaps, %", "間隔の割合、%")                                            \
    X("share of the cache", "キャッシュに占める割合")                                 \
    X("requests in flight", "処理中のリクエスト")                                     \
    X("s from the first send of the last repeat", "最後の反復の最初の送信からの秒数") \
    X("shared part of a prompt, %", "プロンプトの共有部分、%")                        \
    X("ratio of matched cells", "対応するセルの比")                                   \
    X("ratio; over 1 is better", "比(1 より大きいほど良い)")                          \
    X("ratio; under 1 is better", "比(1 より小さいほど良い)")                         \
    X("batch size", "バッチサイズ")                                                   \
    X("concurrency", "同時実行数")                                                    \
    X("batch size or concurrency", "バッチサイズまたは同時実行数")                    \
    X("matched cell", "対応するセル")                                                 \
    X("95 % of tokens/s", "tokens/s の 95 % 区間")                                    \
    X("ratio", "比")                                                                  \
    X("note", "注記")                                                                 \
    X("verdict", "判定")                                                              \
    X("repeats", "反復")                                                              \
    X("why", "理由")                                                                  \
    X("setting", "設定")                                                              \
    X("different", "異なるもの")                                                      \
    X("the same", "同じもの")                                                         \
    X("differs", "相違")                                                              \
    X("better", "良い")                                                               \
    X("worse", "悪い")                                                                \
    X("same", "同等")                                                                 \
    X("cannot tell", "判定できない")

/* What page/page.js says. */
#define PHRASES_PAGE(X)                       \
    X("Skip to the answer", "結論へ移動")     \
    X("Show as a table", "表で表示")          \
    X("panel", "図")                          \
    X("series", "系列")                       \
    X("cell", "セル")                         \
    X("low", "下限")                          \
    X("high", "上限")                         \
    X("yes", "はい")                          \
    X("no", "いいえ")                         \
    X("Filter", "絞り込み")                   \
    X("Verdict", "判定")                      \
    X("all", "すべて")                        \
    X("Columns", "列")                        \
    X("Save CSV", "CSV を保存")               \
    X("Save JSON", "JSON を保存")             \
    X("Earlier", "前へ")                      \
    X("Later", "次へ")                        \
    X("of all", "全行数")                     \
    X("no row", "該当する行なし")             \
    X("The same in all rows", "全行で同じ値") \
    X("Dark", "暗い配色")                     \
    X("Light", "明るい配色")                  \
    X("Print", "印刷")

#define PHRASES_LIST(X)  \
    PHRASES_TITLES(X)    \
    PHRASES_WORDS(X)     \
    PHRASES_PAGE(X)      \
    PHRASES_SENTENCES(X) \
    PHRASES_NUMBERS(X)   \
    PHRASES_RULES(X)

#endif
