/* The fixed sentences among the words of phrases_list.h. */
#ifndef REPORT_PHRASES_SENTENCES_H
#define REPORT_PHRASES_SENTENCES_H

/* It counts a Japanese letter as more than it is wide. */
/* clang-format off */
#define PHRASES_SENTENCES(X) \
    X("Only one %s: %s. Nothing to compare.", \
      "%s は 1 つだけ: %s。比較するものがない。") \
    X("No two machines share a cell: nothing is compared (see below).", \
      "共通のセルを持つマシンがないため、比較しない(下記参照)。") \
    X("SIMULATED: some of these numbers do not come from real hardware.", \
      "SIMULATED: これらの数値の一部は実際のハードウェアによるものではない。") \
    X("SIMULATED: these numbers do not come from real hardware", \
      "SIMULATED: これらの数値は実際のハードウェアによるものではない") \
    X("Dummy weights: the speed is real, the text is not.", \
      "ダミーの重み: 速度は本物、文章は本物ではない。") \
    X("Ratios are of matched cells; what else differs is named below them. " \
      "Over 1 means more; more tokens/s is better, less TTFT, TPOT and " \
      "$/token is better. Intervals are of 95 %%; within one launch they do " \
      "not say by how much launches differ. Verdicts are those of inferbench " \
      "compare, at a margin of 2 %%.", \
      "比は対応するセルどうしのもので、ほかの相違はその下に示す。" \
      "1 より大きい値は" \
      "多いことを表す。tokens/s は多いほど、" \
      "TTFT、TPOT、$/token は少ないほど良い。" \
      "区間は 95 %% 区間で、" \
      "1 回の起動の中の区間は" \
      "起動ごとの差を含まない。判定は" \
      " inferbench compare と同じで、許容差は 2 %%。") \
    X("* not counted in the geometric mean", "* 幾何平均に含めない") \
    X("also different: %s", "ほかの相違: %s") \
    X("nothing", "なし") \
    X("versions: %s", "バージョン: %s") \
    X("price: unknown (--price-per-hour)", "料金: 不明(--price-per-hour)") \
    X("several prices: the $/token of each repeat uses its own", \
      "料金が複数ある: 各反復の $/token はそれぞれの料金による") \
    X("%zu rows that are in two files", "2 つのファイルにある行: %zu") \
    X("%s is unknown in some repeats (cells: %zu)", "%s が一部の反復で不明なセル: %zu") \
    X("mean of the measured repeats, warm-ups left out; error bars: 95 % interval " \
      "where there are 3 repeats or more, else lowest to highest", \
      "ウォームアップを除く反復の平均。" \
      "エラーバーは反復が 3 回以上なら 95 % 区間、" \
      "それ以外は最小から最大") \
    X("Nothing was measured: no repeat gave a result; \"Left out\" says why.", \
      "測定結果なし: 結果を出した反復がない。理由は「除外したもの」にある。") \
    X("nothing measured", "測定結果なし") \
    X("failed", "失敗") \
    X("no result: \"Left out\" has the errors", \
      "結果なし。エラーは「除外したもの」にある") \
    X("no rule speaks against them", "問題を示す規則はない") \
    X("the first %zu cells; %zu more are in the table of rows alone", \
      "最初の %zu セル。ほかの %zu セルは行の表だけにある") \
    X("the share that took that long at most; marks: 50, 90, 95 and 99 %", \
      "その時間以内に終わった割合。印は 50、90、95、99 %") \
    X("up and to the left is better; the dotted line joins the cells that no " \
      "other beats in both", \
      "左上ほど良い。点線は、両方で上回る" \
      "セルがほかにないセルを結ぶ") \
    X("A ! marks a cell that is not VALID; \"Left out\" says why.", \
      "! は VALID でないセルを表す。理由は" \
      "「除外したもの」にある。") \
    X("The charts need JavaScript; their numbers stand in the tables.", \
      "図の表示には JavaScript が必要。数値は表にある。") \
    X("The table of rows needs JavaScript; all rows stand in the results.", \
      "行の表には JavaScript が必要。" \
      "すべての行は結果のファイルにある。")
/* clang-format on */

#endif
