/* The sentences that are made from numbers, and what the rules of verdicts say, among the
 * words of phrases_list.h. */
#ifndef REPORT_PHRASES_NUMBERS_H
#define REPORT_PHRASES_NUMBERS_H

/* It counts a Japanese letter as more than it is wide. */
/* clang-format off */
#define PHRASES_NUMBERS(X) \
    X("%s.", "%s。") \
    X("%s%s, %s", "%s%s、%s") \
    X("prefix caching ON / OFF, %s", "プレフィックスキャッシュ ON / OFF、%s") \
    X("prefix hits in one engine ON / OFF, %s", \
      "プレフィックスのヒット(1 エンジン内)ON / OFF、%s") \
    X("matched cells", "対応するセル") \
    X(" no claim (%zu %s, none counted: see below)", \
      " 判定なし(%zu 個の%s、いずれも数えない: 下記参照)") \
    X(" %s(%zu %s%s%s)", " %s(%zu 個の%s%s%s)") \
    X("no figures ", "数値なし ") \
    X("%zu of %zu cells", "%zu / %zu セル") \
    X("within one launch", "1 回の起動内") \
    X(", within one launch", "、1 回の起動内") \
    X(", spread unknown", "、ばらつき不明") \
    X("this cell", "このセル") \
    X("these %zu cells", "これらの %zu セル") \
    X("%s costs the same as %s a token in %s: %s%s", \
      "%s のトークン単価は %s と同等(%s): %s%s") \
    X("Cannot tell which costs less a token in %s: %s costs %s%s of %s%s", \
      "%sではどちらのトークン単価が低いか判定できない: %s は %s%s 倍(%s 比)%s") \
    X("%s costs %s%s of %s a token in %s%s", \
      "%s のトークン単価は %s%s 倍(%s 比、%s)%s") \
    X("%s costs %s%s times %s a token in %s%s", \
      "%s のトークン単価は %s%s 倍(%s 比、%s)%s") \
    X("and %zu more, in the report under \"%s\"", "ほか %zu 件はレポートの「%s」にある") \
    X("%zu of %zu cells have fewer than 3 measured repeats: their spread is " \
      "not known (--num-runs 4 or more shows it)", \
      "%zu / %zu セルは測定した反復が 3 回未満で、" \
      "ばらつきは不明(--num-runs 4 以上で分かる)") \
    X("%s (%zu of %zu repeats): %s", "%s(%zu / %zu 反復): %s") \
    X("%s (%zu of %zu cells): %s", "%s(%zu / %zu セル): %s") \
    X("%s, %s: %zu of %zu %s:", "%s、%s: %zu / %zu が %s:") \
    X("%zu warm-up repeat", "ウォームアップの反復: %zu") \
    X("%zu warm-up repeats", "ウォームアップの反復: %zu") \
    X("%zu failed repeat", "失敗した反復: %zu") \
    X("%zu failed repeats", "失敗した反復: %zu") \
    X(", nothing measured", "、測定結果なし") \
    X("only warm-ups", "ウォームアップのみ") \
    X("%zu row", "%zu 行") \
    X("%zu rows", "%zu 行") \
    X("%zu cell", "%zu セル") \
    X("%zu cells", "%zu セル") \
    X(" of %.10s", "、%.10s") \
    X(" of %.10s to %.10s", "、%.10s ～ %.10s") \
    X("geometric mean of %zu", "幾何平均(%zu)")

#define PHRASES_RULES(X) \
    X("too many requests failed or stayed unanswered", \
      "失敗または無応答のリクエストが多すぎる") \
    X("lengths were fixed, but answers had a different number of tokens", \
      "長さを固定したのに応答のトークン数が異なる") \
    X("the client sent requests late: use a faster machine or fewer streams", \
      "クライアントの送信が遅れた: " \
      "より速いマシンを使うか、同時実行数を減らす") \
    X("a client thread was above 80 % of its core for too long", \
      "クライアントのスレッドがコアの 80 % を長く超えた") \
    X("the client could not keep the rate", "クライアントがレートを保てなかった") \
    X("requests in flight kept growing: the server cannot keep this rate", \
      "処理中のリクエストが増え続けた: " \
      "サーバーはこのレートに追いつけない") \
    X("prefix-cache hits differ from what the prompts allow, cache not full", \
      "キャッシュに空きがあるのに、ヒットがプロンプトと合わない") \
    X("answers were held back between server and client, so the instants of tokens " \
      "are not the server's; on nginx set proxy_buffering off, on haproxy option " \
      "http-no-delay", \
      "サーバーとクライアントの間で応答が溜められ、" \
      "トークンの時刻がサーバーのものではない。nginx では " \
      "proxy_buffering off、haproxy では option http-no-delay とする") \
    X("more pieces of text than tokens: the server counts too few, or something on the " \
      "way cuts texts up; compare one answer with the server's own log", \
      "文字列の断片がトークンより多い: サーバーの数え不足か、" \
      "途中で分割された。応答をサーバーのログと比べること") \
    X("the server closed connections under requests, which were sent again on new " \
      "ones: their latency counts both ways; --no-keepalive avoids it", \
      "サーバーが接続を閉じ、リクエストを新しい接続で再送した: " \
      "遅延は両方を含む。--no-keepalive で避けられる") \
    X("another model than asked for has answered, or several backends of a gateway: " \
      "the numbers are theirs (answered_by)", \
      "求めたものと別のモデル、またはゲートウェイの複数の" \
      "バックエンドが応答した: 数値はそれらのもの(answered_by)") \
    X("events and tokens do not fit, so gaps between tokens are unknown; " \
      "--token-counts continuous has the server count each event", \
      "イベントとトークンの数が合わず、トークン間隔は不明。" \
      "--token-counts continuous でサーバーが各イベントを数える") \
    X("the clocks of the client machines could not be compared well enough", \
      "クライアントのマシンどうしの時計を十分に比べられなかった") \
    X("no token counts from engine or server", \
      "エンジンにもサーバーにもトークン数の報告がない") \
    X("the load was too short for a steady part, or to tell whether the server " \
      "keeps up", \
      "負荷が短すぎて定常部分がないか、" \
      "サーバーが追いつくか判定できない") \
    X("fewer hits than the prompts allow; the KV cache was full or had preemptions", \
      "ヒットがプロンプトの許す数より少ない。" \
      "KV キャッシュが満杯か、プリエンプションがあった") \
    X("prefix caching is on and the engine does not report hits", \
      "プレフィックスキャッシュは ON だが、" \
      "エンジンがヒットを報告しない") \
    X("--max-concurrency held requests back", \
      "--max-concurrency がリクエストを待たせた") \
    X("many arrival stamps are only upper bounds", \
      "到着時刻の多くが上限値でしかない") \
    X("too few answers have a known first token: TTFT is null", \
      "最初のトークンが分かる応答が少なすぎる: TTFT は null") \
    X("too few answers have known gaps: ITL is null", \
      "トークン間隔が分かる応答が少なすぎる: ITL は null") \
    X("too few answers have a known time per token: TPOT is null", \
      "トークンあたりの時間が分かる応答が少なすぎる: TPOT は null") \
    X("other guests took CPU time, or the cgroup was throttled", \
      "ほかの仮想マシンが CPU 時間を使ったか、cgroup が制限された") \
    X("the engine preempted requests: the KV cache is small", \
      "エンジンがリクエストを中断した: KV キャッシュが小さい") \
    X("not real hardware", "実際のハードウェアではない") \
    X("random weights: the speed of a dense model is real, its text is not", \
      "乱数の重み: 密なモデルの速度は本物、文章は本物ではない") \
    X("the repeats differ too much to be trusted", \
      "反復どうしの差が大きすぎて信頼できない") \
    X("throughput drifts over the repeats (p < 0.01)", \
      "スループットが反復とともに変化する(p < 0.01)") \
    X("fewer repeats or launches than --target-ci takes: a wider interval", \
      "反復または起動が --target-ci に足りず、区間が広い") \
    X("too few measured repeats to know the spread", \
      "測定した反復が少なく、ばらつきが分からない") \
    X("a requested percentile is not reported: too few samples", \
      "サンプルが少なく、求めたパーセンタイルを示せない")
/* clang-format on */

#endif
